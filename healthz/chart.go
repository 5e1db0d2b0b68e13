package healthz

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// The charts are drawn here and not in the browser, so that the page needs no
// script for them. All are in a box of this size, which the page stretches.
const (
	chartWidth  = 600.0
	chartHeight = 100.0
	chartSpan   = samplesLen * sampleEvery
)

// A chart is lines over the last minutes.
type chart struct {
	Lines []chartLine
	Grid  []chartMark
	Label string // what a screen reader says
}

type chartLine struct {
	Name, Path, Area, Now string
}

// A chartMark is a value of the scale, and its place from the top in percent.
type chartMark struct {
	Y    float64
	Text string
}

// successChart draws the share of calls that went well, from 0 to 100 %.
func successChart(list []sample, now time.Time) chart {
	y := func(s sample) float64 { return chartHeight * (1 - s.success/100) }
	cut := stretches(list, now)
	line := chartLine{Name: "success", Path: curve(cut, now, y), Area: area(cut, now, y), Now: "no calls"}
	if n := len(list); n > 0 && list[n-1].calls > 0 {
		line.Now = amount(list[n-1].success, "%")
	}
	return chart{
		Lines: []chartLine{line},
		Grid:  []chartMark{{0, "100 %"}, {50, "50 %"}, {100, "0 %"}},
		Label: "Success rate over the last 10 minutes, now " + line.Now + low(list),
	}
}

// low says the lowest rate, for those who cannot see the line.
func low(list []sample) string {
	least := 100.0
	for _, s := range list {
		if s.calls > 0 {
			least = min(least, s.success)
		}
	}
	return ", lowest " + amount(least, "%")
}

// latencyChart draws percentiles on a logarithmic scale of whole decades: an
// outage moves the 99th from milliseconds to seconds, and both shall be seen.
func latencyChart(list []sample, now time.Time) chart {
	lines := []struct {
		name string
		of   func(sample) time.Duration
	}{
		{"p50", func(s sample) time.Duration { return s.p50 }},
		{"p95", func(s sample) time.Duration { return s.p95 }},
		{"p99", func(s sample) time.Duration { return s.p99 }},
	}
	bottom, top := decades(list)
	place := func(d time.Duration) float64 {
		at := math.Log10(max(d.Seconds(), math.Pow10(bottom)))
		return chartHeight * (1 - (at-float64(bottom))/float64(top-bottom))
	}
	c := chart{Label: "Response times over the last 10 minutes, now"}
	cut := stretches(list, now)
	for _, l := range lines {
		line := chartLine{Name: l.name, Path: curve(cut, now, func(s sample) float64 { return place(l.of(s)) }), Now: "–"}
		if n := len(list); n > 0 && list[n-1].calls > 0 {
			line.Now = spell(l.of(list[n-1]))
		}
		c.Lines = append(c.Lines, line)
		c.Label += " " + line.Name + " " + line.Now
	}
	for e := top; e >= bottom; e-- {
		c.Grid = append(c.Grid, chartMark{100 * float64(top-e) / float64(top-bottom), decade(e)})
	}
	return c
}

// decade returns 10^e seconds.
func decade(e int) string {
	switch {
	case e >= 0:
		return fmt.Sprintf("%.0f s", math.Pow10(e))
	case e >= -3:
		return fmt.Sprintf("%.0f ms", math.Pow10(e+3))
	}
	return fmt.Sprintf("%.0f µs", math.Pow10(e+6))
}

// decades returns the powers of ten around all percentiles, two of them at
// least, from a microsecond to 1000 s.
func decades(list []sample) (bottom, top int) {
	least, most := math.Inf(1), math.Inf(-1)
	for _, s := range list {
		if s.calls > 0 {
			least, most = min(least, s.p50.Seconds()), max(most, s.p99.Seconds())
		}
	}
	if most <= 0 || math.IsInf(most, 0) {
		return -3, 0
	}
	least = max(least, 1e-6)
	bottom, top = int(math.Floor(math.Log10(least))), int(math.Ceil(math.Log10(most)))
	top = min(max(top, bottom+2), 3)
	return min(bottom, top-2), top
}

// stretches cuts the samples where there were no calls, and where none were
// taken for a while.
func stretches(list []sample, now time.Time) [][]sample {
	var out [][]sample
	open := false
	for i, s := range list {
		if s.calls == 0 || xOf(s, now) < 0 {
			open = false
			continue
		}
		if !open || s.at.Sub(list[i-1].at) > 3*sampleEvery {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], s)
		open = true
	}
	return out
}

// curve returns an SVG path through each stretch.
func curve(cut [][]sample, now time.Time, y func(sample) float64) string {
	var b strings.Builder
	for _, list := range cut {
		pen := "M"
		for _, s := range list {
			fmt.Fprintf(&b, "%s%.1f %.1f", pen, xOf(s, now), y(s))
			pen = "L"
		}
	}
	return b.String()
}

// area is curve, filled down to the axis.
func area(cut [][]sample, now time.Time, y func(sample) float64) string {
	var b strings.Builder
	for _, list := range cut {
		fmt.Fprintf(&b, "M%.1f %.0f", xOf(list[0], now), chartHeight)
		for _, s := range list {
			fmt.Fprintf(&b, "L%.1f %.1f", xOf(s, now), y(s))
		}
		fmt.Fprintf(&b, "V%.0fZ", chartHeight)
	}
	return b.String()
}

func xOf(s sample, now time.Time) float64 {
	return chartWidth * (1 - float64(now.Sub(s.at))/float64(chartSpan))
}

// A share is one source's part of all answers.
type share struct {
	Name     string
	Class    string // one of the page's colours
	Count    uint64
	Percent  string
	X, Width float64 // in the bar, of 100
}

func shares(answers map[transport.Source]uint64) []share {
	var total uint64
	for _, n := range answers {
		total += n
	}
	names := slices.SortedFunc(maps.Keys(answers), func(a, b transport.Source) int {
		return cmp.Or(cmp.Compare(answers[b], answers[a]), cmp.Compare(a, b))
	})
	var out []share
	x := 0.0
	for _, name := range names {
		s := share{Name: string(name), Class: "other", Count: answers[name], X: x, Percent: "–"}
		switch name {
		case transport.SourceOrigin, transport.SourceCache, transport.SourceAlternate, transport.SourceStatic:
			s.Class = string(name)
		}
		if total > 0 {
			part := 100 * float64(s.Count) / float64(total)
			s.Width, s.Percent = part, amount(part, "%")
		}
		x += s.Width
		out = append(out, s)
	}
	return out
}
