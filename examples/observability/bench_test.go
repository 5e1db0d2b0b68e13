package main

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
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

// What telemetry costs a call, ours (a span for the call and one for the
// attempt, and both records) and otelhttp's alone (one span, one record), with
// the same providers. The two take turns, so that whatever else the machine
// does is done to both. Figures are medians, on top of the bare base:
//
//	go test -bench Otelhttp -benchtime 30x ./observability
func BenchmarkAgainstOtelhttp(b *testing.B) {
	for _, c := range rivals {
		b.Run(c.name, func(b *testing.B) {
			const calls = 2_000
			base, ours, theirs := sender(b, transport.Func(stub)), sender(b, c.ours()), sender(b, c.theirs())
			times := map[string][]float64{}
			for b.Loop() {
				for name, send := range map[string]func(){"base": base, "ours": ours, "theirs": theirs} {
					began := time.Now()
					for range calls {
						send()
					}
					times[name] = append(times[name], float64(time.Since(began).Nanoseconds())/calls)
				}
			}
			bare := median(times["base"])
			our, their := median(times["ours"])-bare, median(times["theirs"])-bare
			b.ReportMetric(0, "ns/op") // of a round, which says nothing
			b.ReportMetric(our, "ours-ns")
			b.ReportMetric(their, "otelhttp-ns")
			b.ReportMetric(our/their, "ratio")
			bareAllocs := testing.AllocsPerRun(200, base)
			b.ReportMetric(testing.AllocsPerRun(200, ours)-bareAllocs, "ours-allocs")
			b.ReportMetric(testing.AllocsPerRun(200, theirs)-bareAllocs, "otelhttp-allocs")
		})
	}
}

// Allocations do not depend on what else the machine does.
func TestTwoSpansAllocateNoMoreThanOtelhttpsOne(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, c := range rivals {
		ours, theirs := testing.AllocsPerRun(200, sender(t, c.ours())), testing.AllocsPerRun(200, sender(t, c.theirs()))
		if ours >= theirs {
			t.Errorf("%s: %v allocations, otelhttp makes %v", c.name, ours, theirs)
		}
	}
}

var rivals = []rival{
	{"no-op", tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider()},
	{"never sampled", sampled(sdktrace.NeverSample()), metricnoop.NewMeterProvider()},
	{"never sampled, with metrics", sampled(sdktrace.NeverSample()), recorded()},
	{"sampled", sampled(sdktrace.AlwaysSample()), metricnoop.NewMeterProvider()},
	{"sampled, with metrics", sampled(sdktrace.AlwaysSample()), recorded()},
}

type rival struct {
	name    string
	traces  trace.TracerProvider
	metrics metric.MeterProvider
}

func (r rival) ours() http.RoundTripper {
	return transport.Chain(transport.Func(stub),
		telemetry.Call{TracerProvider: r.traces, MeterProvider: r.metrics}.Wrap,
		telemetry.Attempt{TracerProvider: r.traces, MeterProvider: r.metrics, Propagator: propagation.TraceContext{}}.Wrap)
}

func (r rival) theirs() http.RoundTripper {
	return otelhttp.NewTransport(transport.Func(stub),
		otelhttp.WithTracerProvider(r.traces), otelhttp.WithMeterProvider(r.metrics), otelhttp.WithPropagators(propagation.TraceContext{}))
}

func sampled(s sdktrace.Sampler) trace.TracerProvider {
	return sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithSpanProcessor(discard{}))
}

func recorded() metric.MeterProvider {
	return sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
}

// discard takes spans and does nothing with them.
type discard struct{}

func (discard) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (discard) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (discard) Shutdown(context.Context) error                  { return nil }
func (discard) ForceFlush(context.Context) error                { return nil }

// stub answers at once.
func stub(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: noHeader, Body: http.NoBody, Request: req,
	}, nil
}

var noHeader = http.Header{}

// sender returns a function that makes a call. It has made some when it is
// returned: what is made once is made.
func sender(tb testing.TB, rt http.RoundTripper) func() {
	tb.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://api.example.com/v1/users?page=2", nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "bench")
	send := func() {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			tb.Fatal(err)
		}
		resp.Body.Close()
	}
	for range 100 {
		send()
	}
	return send
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
