package telemetry_test

import (
	"context"
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// What a call costs, by who listens. A program without an SDK has the first
// row.
func BenchmarkCallAndAttempt(b *testing.B) {
	for _, c := range costs {
		b.Run(c.name, func(b *testing.B) {
			one := sender(b, c.chain(b), benchRequest(b))
			b.ReportAllocs()
			for b.Loop() {
				one()
			}
		})
	}
	b.Run("stub alone", func(b *testing.B) {
		one := sender(b, transport.Func(stub), benchRequest(b))
		b.ReportAllocs()
		for b.Loop() {
			one()
		}
	})
}

func TestCallAndAttemptAllocateNoMoreThanPromised(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	req := benchRequest(t)
	bare := testing.AllocsPerRun(100, sender(t, transport.Func(stub), req))
	for _, c := range costs {
		t.Run(c.name, func(t *testing.T) {
			rt := c.chain(t)
			got := testing.AllocsPerRun(100, sender(t, rt, req)) - bare
			if got > c.allocs {
				t.Errorf("%v allocations on top of the base, promised are %v", got, c.allocs)
			}
			t.Logf("%v allocations", got)
		})
	}
}

var costs = []cost{
	{"global providers, none set", nil, nil, nil, 4},
	{"no-op providers", noTraces, noMetrics, propagation.TraceContext{}, 4},
	{"never sampled", traces(sdktrace.NeverSample()), noMetrics, propagation.TraceContext{}, 20},
	{"never sampled, with metrics", traces(sdktrace.NeverSample()), metrics, propagation.TraceContext{}, 20},
	{"metrics alone", noTraces, metrics, propagation.TraceContext{}, 20},
	{"sampled", traces(sdktrace.AlwaysSample()), noMetrics, propagation.TraceContext{}, 24},
	{"sampled, with metrics", traces(sdktrace.AlwaysSample()), metrics, propagation.TraceContext{}, 24},
}

type cost struct {
	name       string
	traces     func() trace.TracerProvider
	metrics    func() metric.MeterProvider
	propagator propagation.TextMapPropagator
	allocs     float64
}

// sender returns a function that sends req once.
func sender(tb testing.TB, rt http.RoundTripper, req *http.Request) func() {
	tb.Helper()
	return func() {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			tb.Fatal(err)
		}
		resp.Body.Close()
	}
}

func (c cost) chain(tb testing.TB) http.RoundTripper {
	tb.Helper()
	var call telemetry.Call
	attempt := telemetry.Attempt{Propagator: c.propagator}
	if c.traces != nil {
		call.TracerProvider, call.MeterProvider = c.traces(), c.metrics()
		attempt.TracerProvider, attempt.MeterProvider = call.TracerProvider, call.MeterProvider
	}
	rt := call.Wrap(attempt.Wrap(transport.Func(stub)))
	sender(tb, rt, benchRequest(tb))() // what is made once is made
	return rt
}

func noTraces() trace.TracerProvider  { return tracenoop.NewTracerProvider() }
func noMetrics() metric.MeterProvider { return metricnoop.NewMeterProvider() }

func traces(s sdktrace.Sampler) func() trace.TracerProvider {
	return func() trace.TracerProvider {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithSpanProcessor(discard{}))
	}
}

func metrics() metric.MeterProvider {
	return sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
}

// discard takes spans and does nothing with them.
type discard struct{}

func (discard) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (discard) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (discard) Shutdown(context.Context) error                  { return nil }
func (discard) ForceFlush(context.Context) error                { return nil }

func stub(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: noHeader, Body: http.NoBody, Request: req,
	}, nil
}

var noHeader = http.Header{}

func benchRequest(tb testing.TB) *http.Request {
	tb.Helper()
	req := get(tb, "https://api.example.com/v1/users?page=2").WithContext(context.Background())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "bench")
	return req
}
