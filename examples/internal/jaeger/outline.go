package jaeger

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
)

// Outline draws a trace as a tree, a line for each span: name, kind, and what
// notes says of it. Spans whose parent is missing are roots.
func Outline(spans []Span, notes func(Span) string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	spans = slices.SortedStableFunc(slices.Values(spans), func(a, b Span) int { return a.Start.Compare(b.Start) })
	var draw func(s Span, stem, branch string)
	draw = func(s Span, stem, branch string) {
		fmt.Fprintf(w, "%s\t%s\t%s\n", branch+s.Name, s.Kind, notes(s))
		children := slices.DeleteFunc(slices.Clone(spans), func(c Span) bool { return c.Parent != s.ID })
		for i, c := range children {
			if i == len(children)-1 {
				draw(c, stem+"   ", stem+"└─ ")
			} else {
				draw(c, stem+"│  ", stem+"├─ ")
			}
		}
	}
	for _, s := range spans {
		if !slices.ContainsFunc(spans, func(p Span) bool { return p.ID == s.Parent }) {
			draw(s, "", "")
		}
	}
	w.Flush()
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// Facts says of a span what is the same whenever the same happens: status
// code, error, count of the resend, and what the kit adds.
func Facts(s Span) string {
	var facts []string
	for _, f := range []struct {
		key   attribute.Key
		label string
	}{
		{"http.response.status_code", ""},
		{"error.type", "error.type="},
		{"http.request.resend_count", "resend_count="},
		{"safetrip.attempts", "attempts="},
		{"safetrip.source", "source="},
		{"safetrip.step", "step="},
		{"safetrip.level", "level="},
		{"safetrip.gave_up", "gave_up="},
		{"safetrip.circuit.state", "circuit="},
	} {
		if v := s.Value(f.key); v != "" {
			facts = append(facts, f.label+v)
		}
	}
	for _, e := range s.Events {
		facts = append(facts, "+"+e.Name)
	}
	for range s.Links {
		facts = append(facts, "+link")
	}
	if s.Status == codes.Error {
		facts = append(facts, "ERROR")
	}
	return strings.Join(facts, " ")
}
