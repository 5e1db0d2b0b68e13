package jaeger

import (
	"encoding/json"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// A Span is one as Jaeger has it.
type Span struct {
	TraceID, ID, Parent string // hexadecimal; Parent is "" for a root
	Service             string // service.name of the resource
	Scope               string // of the instrumentation
	Name                string
	Kind                trace.SpanKind
	Start, End          time.Time
	Attributes          []attribute.KeyValue
	Status              codes.Code
	Description         string // of the status
	Events              []Event
	Links               []Link
}

// An Event is something that happened during a span.
type Event struct {
	Name       string
	Time       time.Time
	Attributes []attribute.KeyValue
}

// A Link leads to a span that is no relative.
type Link struct{ TraceID, SpanID string }

// Value returns an attribute as text, "" if it is not there.
func (s Span) Value(key attribute.Key) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// What follows is OTLP's JSON, as far as it is read here.

type resourceSpans struct {
	Resource   struct{ Attributes keyValues }
	ScopeSpans []struct {
		Scope struct{ Name string }
		Spans []wireSpan
	}
}

type wireSpan struct {
	TraceID      string `json:"traceId"`
	SpanID       string `json:"spanId"`
	ParentSpanID string `json:"parentSpanId"`
	Name         string
	Kind         trace.SpanKind // of the same numbers
	Start        nanos          `json:"startTimeUnixNano"`
	End          nanos          `json:"endTimeUnixNano"`
	Attributes   keyValues
	Status       struct {
		Code    int
		Message string
	}
	Events []struct {
		Name       string
		Time       nanos `json:"timeUnixNano"`
		Attributes keyValues
	}
	Links []struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	}
}

func spansOf(all []resourceSpans) (spans []Span) {
	for _, r := range all {
		service := Span{Attributes: r.Resource.Attributes}.Value("service.name")
		for _, scope := range r.ScopeSpans {
			for _, w := range scope.Spans {
				s := w.span()
				s.Service, s.Scope = service, scope.Scope.Name
				spans = append(spans, s)
			}
		}
	}
	return spans
}

func (w wireSpan) span() Span {
	s := Span{
		TraceID: w.TraceID, ID: w.SpanID, Parent: w.ParentSpanID, Name: w.Name, Kind: w.Kind,
		Start: time.Time(w.Start), End: time.Time(w.End), Attributes: w.Attributes,
		Status: [...]codes.Code{codes.Unset, codes.Ok, codes.Error}[w.Status.Code%3], Description: w.Status.Message,
	}
	for _, e := range w.Events {
		s.Events = append(s.Events, Event{e.Name, time.Time(e.Time), e.Attributes})
	}
	for _, l := range w.Links {
		s.Links = append(s.Links, Link(l))
	}
	return s
}

// nanos is a time as a string of nanoseconds.
type nanos time.Time

// UnmarshalJSON implements [json.Unmarshaler].
func (n *nanos) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	ns, err := strconv.ParseInt(text, 10, 64)
	*n = nanos(time.Unix(0, ns))
	return err
}

// keyValues are attributes.
type keyValues []attribute.KeyValue

// UnmarshalJSON implements [json.Unmarshaler].
func (k *keyValues) UnmarshalJSON(b []byte) error {
	var pairs []struct {
		Key   string
		Value anyValue
	}
	err := json.Unmarshal(b, &pairs)
	for _, p := range pairs {
		*k = append(*k, attribute.KeyValue{Key: attribute.Key(p.Key), Value: p.Value.value()})
	}
	return err
}

type anyValue struct {
	StringValue *string
	IntValue    *int64 `json:",string"`
	DoubleValue *float64
	BoolValue   *bool
	ArrayValue  *struct{ Values []anyValue }
}

func (v anyValue) value() attribute.Value {
	switch {
	case v.IntValue != nil:
		return attribute.Int64Value(*v.IntValue)
	case v.DoubleValue != nil:
		return attribute.Float64Value(*v.DoubleValue)
	case v.BoolValue != nil:
		return attribute.BoolValue(*v.BoolValue)
	case v.ArrayValue != nil:
		var texts []string
		for _, e := range v.ArrayValue.Values {
			texts = append(texts, e.value().String())
		}
		return attribute.StringSliceValue(texts)
	case v.StringValue != nil:
		return attribute.StringValue(*v.StringValue)
	}
	return attribute.Value{}
}
