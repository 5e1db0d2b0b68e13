package telemetry_test

import (
	"context"
	"sync/atomic"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/safetrip-go/safetrip/telemetry"
)

// A provider of somebody's own may be switched on at any time, and nobody can
// see it from outside. The first span then has everything, though its sampler
// saw less.
func TestAProviderMayBeSwitchedOn(t *testing.T) {
	l := listen(t)
	p := new(switched)
	p.to.Store(&pair{noop.NewTracerProvider()})
	rt := telemetry.Call{TracerProvider: p}.Wrap(telemetry.Attempt{TracerProvider: p}.Wrap(answers(200)))
	for range 3 {
		send(t, rt, get(t, "http://api.example.com"))
	}
	on := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(l.spans)) // without l's sampler
	p.to.Store(&pair{on})
	for range 2 {
		send(t, rt, get(t, "http://api.example.com"))
	}
	for _, kind := range []trace.SpanKind{trace.SpanKindClient, trace.SpanKindInternal} {
		if spans := l.of(kind); len(spans) != 2 || spans[0].Name() != "GET" || attr(spans[0], "server.address") != "api.example.com" {
			t.Errorf("%d %v spans, the first is %q of %v", len(spans), kind, spans[0].Name(), spans[0].Attributes())
		}
	}
	p.to.Store(&pair{noop.NewTracerProvider()})
	for range 3 {
		send(t, rt, get(t, "http://api.example.com"))
	}
}

type pair struct{ trace.TracerProvider }

type switched struct {
	embedded.TracerProvider
	to atomic.Pointer[pair]
}

func (s *switched) Tracer(name string, o ...trace.TracerOption) trace.Tracer {
	return switchedTracer{s: s, name: name, options: o}
}

type switchedTracer struct {
	embedded.Tracer
	s       *switched
	name    string
	options []trace.TracerOption
}

func (t switchedTracer) Start(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	return t.s.to.Load().Tracer(t.name, t.options...).Start(ctx, name, o...)
}
