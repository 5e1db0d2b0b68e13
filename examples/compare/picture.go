package main

import (
	"bytes"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A picture is drawn once for each paint.
type picture struct {
	name          string
	width, height vg.Length
	draw          func(draw.Canvas, paint) error
}

// A paint is the colours of pages that are light, or of those that are dark.
// There is no background: the page's own shows.
type paint struct {
	name         string
	text, subtle color.Color // words, and lines that guide the eye
	ours, theirs color.Color
	more         []color.Color // of further lines
}

var (
	light = paint{
		name: "light", text: rgb(0x1f2328), subtle: rgb(0xd1d9e0), ours: rgb(0x0969da), theirs: rgb(0x8c959f),
		more: []color.Color{rgb(0x59636e), rgb(0x0969da), rgb(0xbc4c00), rgb(0x8250df)},
	}
	dark = paint{
		name: "dark", text: rgb(0xf0f6fc), subtle: rgb(0x3d444d), ours: rgb(0x4493f8), theirs: rgb(0x7d8590),
		more: []color.Color{rgb(0x9198a1), rgb(0x4493f8), rgb(0xf0883e), rgb(0xab7df8)},
	}
)

func rgb(v uint32) color.Color {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

func (p picture) svg(paint paint) ([]byte, error) {
	c := vgsvg.NewWith(vgsvg.UseWH(p.width, p.height))
	if err := p.draw(draw.New(c), paint); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := c.WriteTo(&out); err != nil {
		return nil, err
	}
	// Where the Liberation fonts are missing, those of the same measures do.
	return bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif")), nil
}

var sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// blank is a plot in the paint's colours.
func (p paint) blank(title string) *plot.Plot {
	pl := plot.New()
	pl.BackgroundColor = nil
	pl.Title.Text = title
	pl.Title.Padding = vg.Points(8)
	for _, style := range []*draw.TextStyle{
		&pl.Title.TextStyle, &pl.X.Label.TextStyle, &pl.Y.Label.TextStyle, &pl.X.Tick.Label, &pl.Y.Tick.Label, &pl.Legend.TextStyle,
	} {
		style.Color, style.Font = p.text, sans
		style.Font.Size = vg.Points(11)
	}
	pl.Title.TextStyle.Font.Size = vg.Points(14)
	for _, axis := range []*plot.Axis{&pl.X, &pl.Y} {
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = p.subtle, p.subtle
	}
	return pl
}
