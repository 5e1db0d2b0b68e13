package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// report writes the tables.
func report(out io.Writer, results []result) {
	fmt.Fprintln(out, `bare: the library as it comes. kit: its http.Client swapped, its own retries at 0.
large, small: the model that answered, then what the requests for the large one were answered.
held: how many of the six pieces were not sent yet when the first one was read.`)
	for _, r := range results {
		fmt.Fprintf(out, "\n%s   large = %s, small = %s; its own retries: %d\n", r.sdk.name, r.sdk.large, r.sdk.small, r.sdk.own)
		fmt.Fprintf(out, "  %-28s%-40s%s\n", "the service does", "bare", "kit")
		for i, c := range r.scenarios {
			fmt.Fprintf(out, "  %-28s%-40s%s\n", c.does, strings.TrimRight(r.sdk.row(c, r.bare[i]), " "), r.sdk.row(c, r.kit[i]))
		}
		fmt.Fprintf(out, "  a small answer is marked: %s\n", r.mark())
	}
	fmt.Fprintf(out, "\n503 without end, nobody to step in and no circuit: how many requests the service saw\n")
	fmt.Fprintf(out, "  %-40s%-16s%-16s%s\n", "", "library's 2", "kit's 3", "both")
	for _, r := range results {
		fmt.Fprintf(out, "  %-40s%-16d%-16d%d\n", r.sdk.name, r.nested[0], r.nested[1], r.nested[2])
	}
}

// row says in one line who answered, what the requests for the large model were
// answered, and what the waits were or how the stream came.
func (s *sdk) row(c scenario, o outcome) string {
	who := "lost"
	switch {
	case o.err != nil:
	case o.answer.text != strings.Join(tokens, ""):
		who = "odd" // another answer than the service gave
	case o.answer.model == s.large:
		who = "large"
	case o.answer.model == s.small:
		who = "small"
	}
	var seen []string
	for _, status := range o.seen {
		seen = append(seen, strconv.Itoa(status))
	}
	notes := o.notes(c)
	return fmt.Sprintf("%-6s%-16s%s", who, strings.Join(seen, " "), strings.Join(notes, ", "))
}

func (o outcome) notes(c scenario) (notes []string) {
	switch {
	case o.tokens > 0:
		notes = append(notes, fmt.Sprintf("%d of %d, %d held", o.tokens, len(tokens), o.held))
	case !c.stream && len(o.trip.Attempts()) == 0:
		notes = append(notes, round(o.took))
	}
	if waits := o.waits(); waits != "" {
		notes = append(notes, "waited "+waits)
	}
	if from := o.trip.Answer(); from.Source != "" && from.Source != transport.SourceOrigin {
		notes = append(notes, string(from.Source))
	}
	return notes
}

// waits returns how long the kit waited before each further attempt.
func (o outcome) waits() string {
	var waits []string
	for _, a := range o.trip.Attempts() {
		if a.Wait > 0 {
			waits = append(waits, round(a.Wait))
		}
	}
	return strings.Join(waits, " ")
}

// mark returns how an answer of the small model says so, in a header that the
// library passes on and in the Trip.
func (r result) mark() string {
	for _, o := range slices.Backward(r.kit) {
		if from := o.trip.Answer(); o.answer.model == r.sdk.small {
			return fmt.Sprintf("Cache-Status: %s · Trip: %s, %q, %s", o.answer.mark, from.Source, from.Step, from.Level)
		}
	}
	return "never"
}

func round(d time.Duration) string { return d.Round(time.Millisecond).String() }
