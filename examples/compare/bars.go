package main

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A bar is a contender's figure in a picture.
type bar struct {
	name  string
	ours  bool
	value figure
	label string
}

// bars are drawn from the left, one below the other.
type bars struct {
	all   []bar
	paint paint
	start float64 // where they begin: 1 on a logarithmic axis, which has no 0
}

// Plot draws each bar, with its quartiles as a line over its end, and its
// label behind.
func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	half := (y(1) - y(0)) * 0.32
	style := p.X.Tick.Label
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	for i, bar := range b.all {
		at := y(float64(len(b.all) - 1 - i))
		colour := b.paint.theirs
		if bar.ours {
			colour = b.paint.ours
		}
		end := x(max(b.start, bar.value.median))
		c.FillPolygon(colour, []vg.Point{
			{X: x(b.start), Y: at - half}, {X: end, Y: at - half}, {X: end, Y: at + half}, {X: x(b.start), Y: at + half},
		})
		if bar.value.high > bar.value.low {
			c.StrokeLine2(draw.LineStyle{Color: b.paint.text, Width: vg.Points(1)},
				x(max(b.start, bar.value.low)), at, x(max(b.start, bar.value.high)), at)
		}
		// Names begin at the left edge, whatever font the reader has.
		c.FillText(style, vg.Point{X: c.Min.X - namesWidth, Y: at}, bar.name)
		c.FillText(style, vg.Point{X: max(end, x(max(b.start, bar.value.high))) + vg.Points(5), Y: at}, bar.label)
	}
}

// namesWidth is what the longest name takes, in a wide font.
const namesWidth = vg.Length(215)

// barPicture draws bars on an axis that is logarithmic where start is not 0.
func barPicture(name, title, unit string, start float64, all []bar) picture {
	return picture{name: name, width: 760, height: vg.Length(90 + 22*len(all)), draw: func(c draw.Canvas, paint paint) error {
		p := paint.blank(title)
		p.X.Label.Text = unit
		most := start
		for _, b := range all {
			most = max(most, b.value.high, b.value.median)
		}
		p.HideY()
		p.X.Min, p.X.Max = start, most+(most-start)*0.12
		if start > 0 {
			p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
			p.X.Max = most * math.Pow(most/start, 0.45)
		}
		p.Y.Min, p.Y.Max = -0.6, float64(len(all))-0.4
		p.Add(guides{paint, false}, bars{all, paint, start})
		p.Draw(draw.Crop(c, namesWidth+4, -16, 4, -4))
		return nil
	}}
}

// decades are 1, 10, 100 and so on.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(low, high float64) []plot.Tick {
	var all []plot.Tick
	for v := math.Pow(10, math.Ceil(math.Log10(low)-1e-9)); v <= high; v *= 10 {
		all = append(all, plot.Tick{Value: v, Label: thousands(v)})
	}
	return all
}

// guides are thin lines at the ticks.
type guides struct {
	paint paint
	both  bool // across as well
}

// Plot draws them.
func (g guides) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: g.paint.subtle, Width: vg.Points(0.6)}
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if !t.IsMinor() {
			c.StrokeLine2(style, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
		}
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if g.both && !t.IsMinor() {
			c.StrokeLine2(style, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		}
	}
}

func overheadPicture(contenders []contender, runs []run, base run) picture {
	all := make([]bar, len(runs))
	for i, run := range runs {
		more := run.over(base, sample.ns)
		all[i] = bar{run.name, contenders[i].ours, more,
			fmt.Sprintf("%s ns, %s allocations", number(more.median), number(run.over(base, allocs).median))}
	}
	return barPicture("overhead", "What a GET that goes well costs on top of a stub", "ns of processor time (logarithmic)", 10, all)
}

func loopbackPicture(o options, contenders []contender, runs []run, base run) picture {
	all := make([]bar, len(runs))
	for i, run := range runs {
		ratio := run.times(base, sample.ns)
		all[i] = bar{run.name, contenders[i].ours, ratio, ratioText(ratio.median)}
	}
	return barPicture("loopback", fmt.Sprintf("Calls over loopback, %d at once: processor time of the client", o.atOnce),
		"times that of a bare http.Transport", 0, all)
}

func contractPicture(players []contender, broken [][]string, rules int) picture {
	all := make([]bar, len(players))
	for i, c := range players {
		n := float64(len(broken[i]))
		all[i] = bar{c.name, c.ours, figure{n, n, n}, fmt.Sprint(len(broken[i]))}
	}
	return barPicture("contract", fmt.Sprintf("Rules of the http.RoundTripper contract that a wrapper breaks, of %d", rules),
		"rules", 0, all)
}
