package main

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A panel is one of several plots in a picture.
type panel struct {
	title string
	unit  string
	log   bool // the axis below goes by decades
	lines []line
}

// A line is how a figure grows.
type line struct {
	name   string
	points plotter.XYs
}

func (l *line) add(x, y float64) { l.points = append(l.points, plotter.XY{X: x, Y: y}) }

// scalePicture draws four panels, two in a row.
func scalePicture(panels []panel) picture {
	return picture{name: "scale", width: 860, height: 620, draw: func(c draw.Canvas, paint paint) error {
		tiles := draw.Tiles{Rows: 2, Cols: 2, PadX: 28, PadY: 24, PadTop: 6, PadBottom: 6, PadLeft: 6, PadRight: 14}
		for i, panel := range panels {
			p, err := panel.plot(paint)
			if err != nil {
				return err
			}
			p.Draw(tiles.At(c, i%2, i/2))
		}
		return nil
	}}
}

func (p panel) plot(paint paint) (*plot.Plot, error) {
	pl := paint.blank(p.unit + ", by " + p.title)
	pl.X.Label.Text = p.title
	pl.Add(guides{paint, true})
	for i, l := range p.lines {
		curve, points, err := plotter.NewLinePoints(l.points)
		if err != nil {
			return nil, err
		}
		curve.Color, curve.Width = paint.more[(i+shift(p))%len(paint.more)], vg.Points(2)
		points.Color, points.Radius, points.Shape = curve.Color, vg.Points(3), draw.CircleGlyph{}
		pl.Add(curve, points)
		if len(p.lines) > 1 {
			pl.Legend.Add(l.name, curve)
		}
		for _, at := range l.points {
			pl.Y.Max = max(pl.Y.Max, at.Y*1.15)
		}
	}
	pl.Y.Min, pl.Y.Tick.Marker = 0, evenly{}
	pl.Legend.Top, pl.Legend.Left, pl.Legend.Padding = true, true, vg.Points(3)
	pl.Legend.XOffs = vg.Points(8)
	if len(p.lines) > 1 {
		pl.Y.Max *= 1.3 // room for their names
	}
	if p.log {
		pl.X.Scale, pl.X.Tick.Marker = plot.LogScale{}, decades{}
	}
	return pl, nil
}

// evenly has plot's own ticks, and writes them as everything here is written.
type evenly struct{}

// Ticks implements plot.Ticker.
func (evenly) Ticks(low, high float64) []plot.Tick {
	all := plot.DefaultTicks{}.Ticks(low, high)
	for i, t := range all {
		if !t.IsMinor() {
			all[i].Label = whole(t.Value)
		}
	}
	return all
}

// shift gives a line that is alone the kit's colour.
func shift(p panel) int {
	if len(p.lines) == 1 {
		return 1
	}
	return 0
}
