package main

import (
	"fmt"
	"io"

	"github.com/safetrip-go/safetrip/transport"
)

// A display shows answers as they come, and counts them by source.
type display struct {
	out    io.Writer
	counts map[string]int
	shown  int
}

func (d *display) show(p profile, from transport.Answer) {
	source := sourceOf(from)
	d.counts[source]++
	d.shown++
	fmt.Fprintf(d.out, "%4d  %-14s  %-8v  %s\n", d.shown, source, from.Level, p.Name)
}

// summary ends the display. The directory was asked as often as served says.
func (d *display) summary(served int) {
	fmt.Fprintln(d.out)
	for _, source := range []string{"cache", "external_api", "cache_fallback", "default"} {
		fmt.Fprintf(d.out, "%-14s  %3d\n", source, d.counts[source])
	}
	hits := d.counts["cache"] + d.counts["cache_fallback"]
	fmt.Fprintf(d.out, "hit rate        %3.0f %%  of %d calls; the directory saw %d\n", 100*float64(hits)/float64(d.shown), d.shown, served)
}
