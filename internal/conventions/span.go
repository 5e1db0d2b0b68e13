package conventions

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
)

// A Span is what there is to hold to the table, wherever it was read from.
type Span struct {
	Name        string
	Kind        string // client or internal
	Attributes  []attribute.KeyValue
	Status      codes.Code
	Description string // of the status
}

// Span returns what is wrong with a span of the kit.
func (t *Table) Span(s Span) error {
	var faults faults
	if err := t.Attributes("span "+s.Kind, s.Attributes, s.Status == codes.Error); err != nil {
		faults = append(faults, err)
	}
	if s.Status == codes.Ok {
		faults.add("the status is Ok, which is not ours to set")
	}
	set := attribute.NewSet(slices.Clone(s.Attributes)...)
	if code, _ := set.Value("http.response.status_code"); code.AsInt64() >= 400 && s.Description != "" {
		faults.add("a description beside a status code: %q", s.Description)
	}
	if want := nameOf(&set); s.Kind == "client" && s.Name != want {
		faults.add("the name should be %q", want)
	}
	return about("span "+s.Name, faults)
}

// nameOf returns the name that an attempt's span is to have.
func nameOf(set *attribute.Set) string {
	name := strings.Replace(value(set, "http.request.method"), "_OTHER", "HTTP", 1)
	if template, ok := set.Value("url.template"); ok {
		name += " " + template.AsString()
	}
	return name
}

// about returns each of faults with the thing that it is a fault of, joined.
func about(what string, faults faults) error {
	for i, err := range faults {
		faults[i] = fmt.Errorf("%s: %w", what, err)
	}
	return errors.Join(faults...)
}
