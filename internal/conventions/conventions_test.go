package conventions_test

import (
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/safetrip-go/safetrip/internal/conventions"
)

// A judge that finds nothing wrong proves nothing: each of these is one change
// away from what is right.
func TestFaultsAreFound(t *testing.T) {
	table, err := conventions.Read("../../testdata/telemetry")
	if err != nil {
		t.Fatal(err)
	}
	right := func() conventions.Span {
		return conventions.Span{Name: "GET", Kind: "client", Attributes: []attribute.KeyValue{
			attribute.String("http.request.method", "GET"), attribute.String("server.address", "example.com"), attribute.Int("server.port", 80),
			attribute.String("url.full", "http://example.com/"), attribute.Int("http.response.status_code", 200),
			attribute.String("network.protocol.version", "1.1"), attribute.Int("http.request.resend_count", 1),
			attribute.Bool("safetrip.anything", true),
		}}
	}
	without := func(s *conventions.Span, key attribute.Key) {
		s.Attributes = slices.DeleteFunc(s.Attributes, func(a attribute.KeyValue) bool { return a.Key == key })
	}
	with := func(s *conventions.Span, a attribute.KeyValue) {
		without(s, a.Key)
		s.Attributes = append(s.Attributes, a)
	}
	for _, c := range []struct {
		sentence string
		change   func(*conventions.Span)
		says     string // "" if nothing is wrong
	}{
		{"a span by the conventions", func(*conventions.Span) {}, ""},
		{"an attribute that is required is missing", func(s *conventions.Span) { without(s, "server.port") }, "server.port is required"},
		{"an attribute that nobody knows", func(s *conventions.Span) { with(s, attribute.String("http.metod", "GET")) }, "http.metod is not in the table"},
		{"a number as text", func(s *conventions.Span) { with(s, attribute.String("server.port", "80")) }, "server.port is STRING"},
		{"one twice", func(s *conventions.Span) { s.Attributes = append(s.Attributes, s.Attributes[0]) }, "there twice"},
		{"an error without its type", func(s *conventions.Span) { s.Status = codes.Error }, "error.type: present is false"},
		{"an error's type without an error", func(s *conventions.Span) { with(s, attribute.String("error.type", "network")) }, "error.type: present is true"},
		{"a version as Go spells it", func(s *conventions.Span) { with(s, attribute.String("network.protocol.version", "2.0")) }, "impossible value"},
		{"a count on the first send", func(s *conventions.Span) { with(s, attribute.Int("http.request.resend_count", 0)) }, "impossible value"},
		{"a path as the name", func(s *conventions.Span) { s.Name = "GET /users/1" }, `the name should be "GET"`},
		{"the status Ok", func(s *conventions.Span) { s.Status = codes.Ok }, "not ours to set"},
		{"an unknown method without the original", func(s *conventions.Span) {
			s.Name = "HTTP"
			with(s, attribute.String("http.request.method", "_OTHER"))
		}, "http.request.method_original: present is false"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			s := right()
			c.change(&s)
			err := table.Span(s)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, want %q", err, c.says)
			}
		})
	}
	for _, m := range []conventions.Metric{
		{Name: "http.client.request.duration", Description: "d", Instrument: "histogram", Unit: "ms"},
		{Name: "http.client.request.duration", Description: "d", Instrument: "histogram", Unit: "s", Bounds: [][]float64{{1, 2}}},
		{Name: "safetrip.retries", Description: "d", Instrument: "counter", Unit: "1"},
		{Name: "safetrip.retries", Description: "d", Instrument: "counter", Unit: "{retry}", Series: []attribute.Set{attribute.NewSet(attribute.String("url.full", "x"))}},
		{Name: "safetrip.retries", Instrument: "counter", Unit: "{retry}"},
		{Name: "safetrip.invented", Description: "d", Instrument: "counter", Unit: "1"},
	} {
		if err := table.Metric(m); err == nil {
			t.Errorf("nothing is said of %+v", m)
		}
	}
}
