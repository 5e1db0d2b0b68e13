// Package conventions holds spans and metrics to tables that were typed by
// hand: the OpenTelemetry semantic conventions for HTTP clients, and the kit's
// own names. It is for tests, of whatever was recorded and wherever it was read
// back from.
package conventions

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// A Table is what Read read.
type Table struct {
	sections map[string][]rule   // of attributes, by "span KIND", "creation KIND" and "metric NAME"
	headings map[string][]string // of "metric NAME": instrument, unit, buckets
	kit      map[string][]string // of the kit's own metrics: instrument, unit, attributes
}

// A rule is a row of the conventions' table.
type rule struct{ name, kind, level, condition string }

// Read reads the tables in a folder.
func Read(dir string) (*Table, error) {
	t := &Table{map[string][]rule{}, map[string][]string{}, map[string][]string{}}
	spec, err := rows(filepath.Join(dir, "conventions-v1.43.0.txt"))
	if err != nil {
		return nil, err
	}
	section := ""
	for _, f := range spec {
		switch f[0] {
		case "span", "creation", "metric":
			section = f[0] + " " + f[1]
			t.headings[section] = f[2:]
		default:
			t.sections[section] = append(t.sections[section], rule{f[0], f[1], f[2], f[3]})
		}
	}
	kit, err := rows(filepath.Join(dir, "kit.txt"))
	for _, f := range kit {
		t.kit[f[0]] = f[1:]
	}
	return t, err
}

func rows(path string) (all [][]string, err error) {
	text, err := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			all = append(all, f)
		}
	}
	return all, err
}

// Attributes holds attributes to a section of the table: "span KIND",
// "creation KIND" or "metric NAME". A recorded span or series is a fact of its
// own: the conditions are read from what stands there. Failed says whether its
// status is an error.
func (t *Table) Attributes(section string, attrs []attribute.KeyValue, failed bool) error {
	rules := t.sections[section]
	if rules == nil {
		return fmt.Errorf("there is no section %q in the table", section)
	}
	set := attribute.NewSet(slices.Clone(attrs)...) // which sorts what it is given
	var faults faults
	if set.Len() != len(attrs) {
		faults.add("an attribute is there twice: %v", attrs)
	}
	for _, a := range attrs {
		if strings.HasPrefix(string(a.Key), "safetrip.") {
			continue
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return r.names(string(a.Key)) })
		switch {
		case i < 0:
			faults.add("%s is not in the table", a.Key)
		case rules[i].kind != kindOf(a.Value):
			faults.add("%s is %v, want %s", a.Key, a.Value.Type(), rules[i].kind)
		}
	}
	for _, r := range rules {
		present := slices.ContainsFunc(attrs, func(a attribute.KeyValue) bool { return r.names(string(a.Key)) })
		switch {
		case r.level == "required" && !present:
			faults.add("%s is required and missing", r.name)
		case r.level == "conditional" && present != r.holds(&set, failed):
			faults.add("%s: present is %v, but its condition (%s) says otherwise; attributes: %v", r.name, present, r.condition, attrs)
		case present && !r.sensible(&set):
			faults.add("%s has an impossible value: %v", r.name, attrs)
		}
	}
	return faults.joined()
}

func (r rule) names(key string) bool {
	prefix, ok := strings.CutSuffix(r.name, "*")
	return key == r.name || ok && strings.HasPrefix(key, prefix)
}

func (r rule) holds(set *attribute.Set, failed bool) bool {
	switch r.condition {
	case "failed":
		return failed
	case "method-other":
		return value(set, "http.request.method") == "_OTHER"
	case "responded":
		return set.HasValue("http.response.status_code") // held to account by each test
	}
	return false
}

func (r rule) sensible(set *attribute.Set) bool {
	switch r.condition {
	case "positive":
		v, _ := set.Value(attribute.Key(r.name))
		return v.AsInt64() > 0
	case "version":
		return slices.Contains([]string{"1.0", "1.1", "2", "3"}, value(set, r.name))
	}
	return true
}

func value(set *attribute.Set, key string) string {
	v, _ := set.Value(attribute.Key(key))
	return v.String()
}

func kindOf(v attribute.Value) string {
	switch v.Type() {
	case attribute.STRING:
		return "string"
	case attribute.INT64:
		return "int"
	case attribute.STRINGSLICE:
		return "strings"
	default:
		return v.Type().String()
	}
}

// faults is all that is wrong with one thing.
type faults []error

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

func (f *faults) joined() error { return errors.Join(*f...) }
