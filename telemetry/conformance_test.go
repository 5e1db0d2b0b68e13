package telemetry_test

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// A rule is a row of the table of the conventions.
type rule struct{ name, kind, level, condition string }

// A table is the hand-typed testdata: the conventions, by section, and the
// kit's own metrics, by name.
type conventions struct {
	sections map[string][]rule
	headings map[string][]string // of "metric NAME": instrument, unit, buckets
	kit      map[string][]string // instrument, unit, attributes
}

var table = readTables()

func readTables() conventions {
	c := conventions{map[string][]rule{}, map[string][]string{}, map[string][]string{}}
	section := ""
	for _, f := range rows("../testdata/telemetry/conventions-v1.43.0.txt") {
		switch f[0] {
		case "span", "creation", "metric":
			section = f[0] + " " + f[1]
			c.headings[section] = f[2:]
		default:
			c.sections[section] = append(c.sections[section], rule{f[0], f[1], f[2], f[3]})
		}
	}
	for _, f := range rows("../testdata/telemetry/kit.txt") {
		c.kit[f[0]] = f[1:]
	}
	return c
}

func rows(path string) [][]string {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	var all [][]string
	for s := bufio.NewScanner(file); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) > 0 && f[0] != "#" && !strings.HasPrefix(f[0], "#") {
			all = append(all, f)
		}
	}
	return all
}

// conforms holds attributes to a section of the table. A recorded span or
// series is a fact of its own: the conditions are read from what stands there.
func (c conventions) conforms(t *testing.T, what, section string, attrs []attribute.KeyValue, failed bool) {
	t.Helper()
	rules := c.sections[section]
	if rules == nil {
		t.Errorf("%s: there is no section %q in the table", what, section)
		return
	}
	set := attribute.NewSet(attrs...)
	if set.Len() != len(attrs) {
		t.Errorf("%s: an attribute is there twice: %v", what, attrs)
	}
	for _, a := range attrs {
		if strings.HasPrefix(string(a.Key), "safetrip.") {
			continue
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return r.names(string(a.Key)) })
		switch {
		case i < 0:
			t.Errorf("%s: %s is not in the table", what, a.Key)
		case rules[i].kind != kindOf(a.Value):
			t.Errorf("%s: %s is %v, want %s", what, a.Key, a.Value.Type(), rules[i].kind)
		}
	}
	for _, r := range rules {
		present := slices.ContainsFunc(attrs, func(a attribute.KeyValue) bool { return r.names(string(a.Key)) })
		switch {
		case r.level == "required" && !present:
			t.Errorf("%s: %s is required and missing", what, r.name)
		case r.level == "conditional" && present != r.holds(&set, failed):
			t.Errorf("%s: %s: present is %v, but its condition (%s) says otherwise; attributes: %v", what, r.name, present, r.condition, attrs)
		case present && !r.sensible(&set):
			t.Errorf("%s: %s has an impossible value: %v", what, r.name, attrs)
		}
	}
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

func (c conventions) checkSpan(t *testing.T, s sdktrace.ReadOnlySpan) {
	t.Helper()
	what := "span " + s.Name()
	kind := s.SpanKind().String()
	c.conforms(t, what, "span "+kind, s.Attributes(), s.Status().Code == codes.Error)
	if s.Status().Code == codes.Ok {
		t.Errorf("%s: status is Ok, which is not ours to set", what)
	}
	if s.InstrumentationScope().SchemaURL != "https://opentelemetry.io/schemas/1.43.0" {
		t.Errorf("%s: schema is %s", what, s.InstrumentationScope().SchemaURL)
	}
	set := attribute.NewSet(s.Attributes()...)
	if code, ok := set.Value("http.response.status_code"); ok && code.AsInt64() >= 400 && s.Status().Description != "" {
		t.Errorf("%s: a description beside a status code: %q", what, s.Status().Description)
	}
	if s.SpanKind() != trace.SpanKindClient {
		return
	}
	name := strings.Replace(value(&set, "http.request.method"), "_OTHER", "HTTP", 1)
	if template, ok := set.Value("url.template"); ok {
		name += " " + template.AsString()
	}
	if s.Name() != name {
		t.Errorf("%s: the name should be %q", what, name)
	}
}

func (c conventions) checkMetric(t *testing.T, m metricdata.Metrics) {
	t.Helper()
	instrument, series := shapeOf(t, m)
	if m.Description == "" {
		t.Errorf("%s has no description", m.Name)
	}
	if kit, ok := c.kit[m.Name]; ok {
		if kit[0] != instrument || kit[1] != m.Unit {
			t.Errorf("%s is a %s in %s, want %v", m.Name, instrument, m.Unit, kit[:2])
		}
		for _, s := range series {
			for _, a := range s.ToSlice() {
				if !slices.Contains(kit[2:], string(a.Key)) {
					t.Errorf("%s: %s is not in the table", m.Name, a.Key)
				}
			}
		}
		return
	}
	heading, ok := c.headings["metric "+m.Name]
	if !ok {
		t.Errorf("%s is in no table", m.Name)
		return
	}
	if heading[0] != instrument || heading[1] != m.Unit {
		t.Errorf("%s is a %s in %s, want %v", m.Name, instrument, m.Unit, heading[:2])
	}
	if h, ok := m.Data.(metricdata.Histogram[float64]); ok {
		for _, p := range h.DataPoints {
			if got := texts(p.Bounds); !slices.Equal(got, heading[2:]) {
				t.Errorf("%s has the buckets %v, want %v", m.Name, got, heading[2:])
			}
		}
	}
	for _, s := range series {
		code, _ := s.Value("http.response.status_code")
		failed := s.HasValue("error.type")
		if code.AsInt64() >= 400 && !failed {
			t.Errorf("%s: status %d without error.type", m.Name, code.AsInt64())
		}
		c.conforms(t, m.Name, "metric "+m.Name, s.ToSlice(), failed)
	}
}

func texts(numbers []float64) []string {
	var all []string
	for _, n := range numbers {
		all = append(all, strconv.FormatFloat(n, 'g', -1, 64))
	}
	return all
}

// shapeOf returns the instrument that made m, and the attributes of its series.
func shapeOf(t *testing.T, m metricdata.Metrics) (instrument string, series []attribute.Set) {
	t.Helper()
	switch d := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			series = append(series, p.Attributes)
		}
		return "histogram", series
	case metricdata.Histogram[int64]:
		for _, p := range d.DataPoints {
			series = append(series, p.Attributes)
		}
		return "histogram", series
	case metricdata.Sum[int64]:
		for _, p := range d.DataPoints {
			series = append(series, p.Attributes)
		}
		if d.IsMonotonic {
			return "counter", series
		}
		return "updowncounter", series
	case metricdata.Gauge[float64]:
		for _, p := range d.DataPoints {
			series = append(series, p.Attributes)
		}
		return "gauge", series
	}
	t.Errorf("%s: unexpected data %T", m.Name, m.Data)
	return "", nil
}
