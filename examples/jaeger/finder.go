package main

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/telemetry"
)

// wanted are the calls to show, and how they are known: by what the call's span
// says.
var wanted = []struct {
	what string
	is   func(*attribute.Set) bool
}{
	{"retried", func(s *attribute.Set) bool {
		return number(s, "safetrip.attempts") > 1 && word(s, "safetrip.source") == "origin" && number(s, "http.response.status_code") == 200
	}},
	{"refused by an open circuit", func(s *attribute.Set) bool {
		return word(s, "safetrip.circuit.state") == "open" && number(s, "safetrip.attempts") == 0 && word(s, "safetrip.source") == "static"
	}},
	{"answered from the cache", func(s *attribute.Set) bool {
		return word(s, "safetrip.source") == "cache" && number(s, "safetrip.attempts") > 0
	}},
}

func word(s *attribute.Set, key attribute.Key) string {
	v, _ := s.Value(key)
	return v.String()
}

func number(s *attribute.Set, key attribute.Key) int64 {
	v, _ := s.Value(key)
	return v.AsInt64()
}

// A finder is a span processor that remembers one trace of each kind that is
// wanted: the first of those that took most attempts.
type finder struct {
	mu     sync.Mutex // guards traces
	traces map[string]found
}

type found struct {
	trace    string
	attempts int64
}

func newFinder() *finder { return &finder{traces: map[string]found{}} }

// traceOf returns the id of a trace of that kind, "" if there was none.
func (f *finder) traceOf(what string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.traces[what].trace
}

// OnEnd looks at a span of a call.
func (f *finder) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanKind() != trace.SpanKindInternal || s.InstrumentationScope().Name != telemetry.ScopeName {
		return
	}
	attrs := attribute.NewSet(slices.Clone(s.Attributes())...) // which sorts what it is given
	f.mu.Lock()
	defer f.mu.Unlock()
	this := found{s.SpanContext().TraceID().String(), number(&attrs, "safetrip.attempts")}
	for _, w := range wanted {
		if best, ok := f.traces[w.what]; w.is(&attrs) && (!ok || this.attempts > best.attempts) {
			f.traces[w.what] = this
		}
	}
}

// OnStart does nothing.
func (f *finder) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// Shutdown does nothing.
func (f *finder) Shutdown(context.Context) error { return nil }

// ForceFlush does nothing.
func (f *finder) ForceFlush(context.Context) error { return nil }
