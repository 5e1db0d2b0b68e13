package main

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/safetrip-go/safetrip/telemetry"
)

// A listener is what an OpenTelemetry SDK was told to do.
type listener struct {
	name   string
	traces trace.TracerProvider
	meters metric.MeterProvider
}

func listeners() []listener {
	sampled := func(s sdktrace.Sampler) trace.TracerProvider {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithSpanProcessor(discard{}))
	}
	return []listener{
		{"no-op", tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider()},
		{"never sampled", sampled(sdktrace.NeverSample()), metricnoop.NewMeterProvider()},
		{"sampled", sampled(sdktrace.AlwaysSample()), metricnoop.NewMeterProvider()},
		{"sampled, metrics", sampled(sdktrace.AlwaysSample()),
			sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))},
	}
}

// spans measures the kit's two spans and otelhttp's one, by who listens.
func spans(o options, r *report) error {
	t := r.add(&table{
		title: "Spans and metrics",
		note: "What telemetry costs on top of a base that answers at once. The kit makes two spans and the records of a call and " +
			"of an attempt; otelhttp makes one of each. Spans are ended and thrown away.",
		head: []string{"providers", "safetrip, + ns", "allocs", "otelhttp, + ns", "allocs"},
	})
	for _, l := range listeners() {
		r.say("spans: %s", l.name)
		base := sender(stub)
		kit, theirs := l.kit(base), l.otelhttp(base)
		runs, err := race(o.pace, 1,
			lane{bare.name, func() func() error { return richGetter(base) }},
			lane{"safetrip", func() func() error { return richGetter(kit.RoundTrip) }},
			lane{otel.name, func() func() error { return richGetter(theirs.RoundTrip) }})
		if err != nil {
			return err
		}
		row := []string{l.name}
		for _, run := range runs[1:] {
			row = append(row, run.over(runs[0], sample.ns).spread(number), number(run.over(runs[0], allocs).median))
		}
		t.add(row...)
	}
	return nil
}

func (l listener) kit(base http.RoundTripper) http.RoundTripper {
	call := telemetry.Call{TracerProvider: l.traces, MeterProvider: l.meters}
	attempt := telemetry.Attempt{TracerProvider: l.traces, MeterProvider: l.meters, Propagator: propagation.TraceContext{}}
	return call.Wrap(attempt.Wrap(base))
}

func (l listener) otelhttp(base http.RoundTripper) http.RoundTripper {
	return otelhttp.NewTransport(base, otelhttp.WithTracerProvider(l.traces), otelhttp.WithMeterProvider(l.meters),
		otelhttp.WithPropagators(propagation.TraceContext{}))
}

// discard takes spans and does nothing with them.
type discard struct{}

func (discard) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (discard) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (discard) Shutdown(context.Context) error                  { return nil }
func (discard) ForceFlush(context.Context) error                { return nil }
