package main

import (
	"fmt"
	"math"
	"slices"
)

// A figure is the median of several rounds, between the quartiles that half of
// them lie in.
type figure struct{ low, median, high float64 }

// of returns the figure of what get finds in each round.
func (r run) of(get func(sample) float64) figure {
	return figureOf(len(r.samples), func(i int) float64 { return get(r.samples[i]) })
}

// over returns the figure of r's differences to base, round by round.
func (r run) over(base run, get func(sample) float64) figure {
	return figureOf(len(r.samples), func(i int) float64 { return get(r.samples[i]) - get(base.samples[i]) })
}

// times returns the figure of r's ratios to base, round by round.
func (r run) times(base run, get func(sample) float64) figure {
	return figureOf(len(r.samples), func(i int) float64 { return get(r.samples[i]) / get(base.samples[i]) })
}

func figureOf(n int, value func(int) float64) figure {
	all := make([]float64, n)
	for i := range all {
		all[i] = value(i)
	}
	slices.Sort(all)
	return figure{quantile(all, 0.25), quantile(all, 0.5), quantile(all, 0.75)}
}

// quantile interpolates between the two nearest of sorted values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func wall(s sample) float64   { return s.wall }
func allocs(s sample) float64 { return s.allocs }
func heap(s sample) float64   { return s.bytes }

// spread writes a figure with its quartiles.
func (f figure) spread(format func(float64) string) string {
	return fmt.Sprintf("%s (%s–%s)", format(f.median), format(f.low), format(f.high))
}

// number writes three digits, and all of those before the point.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a < 0.005:
		return "0"
	case a < 9.995:
		return fmt.Sprintf("%.2f", v)
	case a < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return thousands(v)
}

// whole writes a number without its fraction.
func whole(v float64) string {
	if v = math.Round(v); v == 0 {
		return "0"
	}
	return thousands(v)
}

// thousands writes 1234567 as 1,234,567.
func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", math.Abs(v))
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < 0 {
		return "−" + s
	}
	return s
}

// sizeText writes bytes in the unit that suits them.
func sizeText(v float64) string {
	switch {
	case v < 0:
		return "0 B"
	case v < 10_000:
		return whole(v) + " B"
	case v < 1<<20:
		return fmt.Sprintf("%.0f KiB", v/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", v/(1<<20))
}

// duration writes nanoseconds in the unit that suits them.
func duration(v float64) string {
	switch {
	case v < 1e4:
		return whole(v) + " ns"
	case v < 1e6:
		return fmt.Sprintf("%.1f µs", v/1e3)
	}
	return fmt.Sprintf("%.1f ms", v/1e6)
}
