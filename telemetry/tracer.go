package telemetry

import (
	"context"
	"math/rand/v2"
	"reflect"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
)

// A tracer starts spans, and remembers when nobody is there to receive them,
// so that a program without an SDK does not pay for names and attributes.
//
// The API has no way to ask. A tracer that makes nothing betrays itself by the
// span it starts, which has no identity of its own. That is remembered until
// it makes one, or until the global provider is another: a span must have its
// attributes from the beginning, because the sampler reads them.
type tracer struct {
	trace.Tracer
	kind   []trace.SpanStartOption
	quiet  atomic.Bool          // the last span had no identity of its own
	global trace.TracerProvider // the global provider at Wrap; nil if the user gave one
}

func newTracer(p trace.TracerProvider, kind trace.SpanStartOption) *tracer {
	t := &tracer{kind: []trace.SpanStartOption{kind}}
	if p == nil {
		p = otel.GetTracerProvider()
		if reflect.TypeOf(p).Comparable() {
			t.global = p
		}
	}
	t.Tracer = p.Tracer(ScopeName, trace.WithSchemaURL(SchemaURL))
	return t
}

// isQuiet reports whether it is known that no span will come of Start. Then
// startQuietly is to be called instead.
func (t *tracer) isQuiet() bool {
	return t.quiet.Load() && (t.global == nil || t.global == otel.GetTracerProvider())
}

// startQuietly asks again, without giving a name or attributes, in case that
// somebody listens now. If it returns true, a span was started after all and
// is to be given both.
//
// While the global provider is the one that made nothing, one call in 64 asks:
// a program that is instrumented from outside, by eBPF, is found out by that.
func (t *tracer) startQuietly(ctx context.Context) (context.Context, trace.Span, bool) {
	if t.global != nil && rand.Uint32()%64 != 0 {
		return ctx, nil, false
	}
	return t.start(ctx, "HTTP", t.kind)
}

// start starts a span. It reports whether it is one: recording or not, but
// with an identity of its own. If it is not, the context is the one given, and
// the span must not be used: it may be the caller's.
func (t *tracer) start(ctx context.Context, name string, options []trace.SpanStartOption) (context.Context, trace.Span, bool) {
	within, span := t.Start(ctx, name, options...)
	made := span.IsRecording() || isNew(ctx, span)
	if made == t.quiet.Load() {
		t.quiet.Store(!made)
	}
	if !made {
		return ctx, nil, false
	}
	return within, span, true
}

// isNew reports whether a span that does not record is another than the one in
// parent: one that was not sampled.
func isNew(parent context.Context, span trace.Span) bool {
	id := span.SpanContext().SpanID()
	return id.IsValid() && id != trace.SpanContextFromContext(parent).SpanID()
}
