package telemetry_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// A listener receives everything, and holds all of it to the tables when the
// test is over.
type listener struct {
	t       *testing.T
	spans   *tracetest.SpanRecorder
	sampler *spy
	traces  *sdktrace.TracerProvider
	reader  *sdkmetric.ManualReader
	metrics *sdkmetric.MeterProvider
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{t: t, spans: tracetest.NewSpanRecorder(), sampler: new(spy), reader: sdkmetric.NewManualReader()}
	l.traces = sdktrace.NewTracerProvider(sdktrace.WithSampler(l.sampler), sdktrace.WithSpanProcessor(l.spans))
	l.metrics = sdkmetric.NewMeterProvider(sdkmetric.WithReader(l.reader))
	t.Cleanup(l.check)
	return l
}

func (l *listener) check() {
	l.t.Helper()
	if open := len(l.spans.Started()) - len(l.spans.Ended()); open != 0 {
		l.t.Errorf("%d spans were not ended", open)
	}
	for _, s := range l.spans.Ended() {
		if s.InstrumentationScope().Name == telemetry.ScopeName {
			checkSpan(l.t, s)
		}
	}
	for _, seen := range l.sampler.all() {
		checkCreation(l.t, seen)
	}
	for _, m := range l.collect() {
		checkMetric(l.t, m)
	}
}

// call and attempt return wrappers that tell l.
func (l *listener) call() telemetry.Call {
	return telemetry.Call{TracerProvider: l.traces, MeterProvider: l.metrics}
}

func (l *listener) attempt() telemetry.Attempt {
	return telemetry.Attempt{TracerProvider: l.traces, MeterProvider: l.metrics, Propagator: propagation.TraceContext{}}
}

// chain is a call with retries, as far as telemetry goes.
func (l *listener) chain(base http.RoundTripper, inner ...transport.Middleware) http.RoundTripper {
	all := append([]transport.Middleware{l.call().Wrap}, inner...)
	return transport.Chain(base, append(all, l.attempt().Wrap)...)
}

// only returns the one span of a kind.
func (l *listener) only(kind trace.SpanKind) sdktrace.ReadOnlySpan {
	l.t.Helper()
	spans := l.of(kind)
	if len(spans) != 1 {
		l.t.Fatalf("%d %v spans, want 1", len(spans), kind)
	}
	return spans[0]
}

// of returns the spans of a kind in the order in which they started.
func (l *listener) of(kind trace.SpanKind) []sdktrace.ReadOnlySpan {
	var spans []sdktrace.ReadOnlySpan
	for _, s := range l.spans.Ended() {
		if s.SpanKind() == kind && s.InstrumentationScope().Name == telemetry.ScopeName {
			spans = append(spans, s)
		}
	}
	slices.SortStableFunc(spans, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	return spans
}

func (l *listener) collect() map[string]metricdata.Metrics {
	l.t.Helper()
	var all metricdata.ResourceMetrics
	if err := l.reader.Collect(l.t.Context(), &all); err != nil && l.t.Context().Err() == nil {
		l.t.Fatal(err)
	}
	byName := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

// series returns the series of a metric as "attributes value" lines, sorted.
// Of a histogram the value is the count.
func (l *listener) series(name string) []string {
	l.t.Helper()
	var lines []string
	add := func(s attribute.Set, v any) {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(show(s.ToSlice()), " ", v)))
	}
	switch d := l.collect()[name].Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			add(p.Attributes, p.Count)
		}
	case metricdata.Histogram[int64]:
		for _, p := range d.DataPoints {
			add(p.Attributes, fmt.Sprintf("%d of %d", p.Count, p.Sum))
		}
	case metricdata.Sum[int64]:
		for _, p := range d.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range d.DataPoints {
			add(p.Attributes, p.Value)
		}
	}
	slices.Sort(lines)
	return lines
}

// show prints attributes sorted by their keys.
func show(attrs []attribute.KeyValue) string {
	all := map[string]string{}
	for _, a := range attrs {
		all[string(a.Key)] = a.Value.String()
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, k+"="+all[k])
	}
	return strings.Join(parts, " ")
}

// spy is a sampler that samples all and remembers what it was shown.
type spy struct {
	mu   sync.Mutex
	seen []sdktrace.SamplingParameters
}

func (s *spy) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, p)
	return sdktrace.AlwaysSample().ShouldSample(p)
}

func (s *spy) Description() string { return "spy" }

func (s *spy) all() []sdktrace.SamplingParameters {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ours []sdktrace.SamplingParameters
	for _, p := range s.seen {
		if p.Kind == trace.SpanKindClient || p.Kind == trace.SpanKindInternal && p.Name != "caller" {
			ours = append(ours, p)
		}
	}
	return ours
}

// answers is a base that gives one answer after the other, the last one for
// ever: a status or an error.
func answers(steps ...any) transport.Func {
	var mu sync.Mutex
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, err := io.Copy(io.Discard, req.Body)
			req.Body.Close()
			if err != nil {
				return nil, err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		step := steps[0]
		if len(steps) > 1 {
			steps = steps[1:]
		}
		switch step := step.(type) {
		case error:
			return nil, step
		case int:
			return reply(req, step), nil
		}
		panic("a step is a status or an error")
	}
}

func reply(req *http.Request, status int) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: req,
	}
}

func get(tb testing.TB, url string) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return req
}

// send sends req and closes the body.
func send(tb testing.TB, rt http.RoundTripper, req *http.Request) *http.Response {
	tb.Helper()
	resp, err := rt.RoundTrip(req)
	if (resp == nil) == (err == nil) {
		tb.Fatalf("response %v and error %v", resp, err)
	}
	if resp != nil {
		resp.Body.Close()
	}
	return resp
}

const aWhile = 5 * time.Second

// attr returns the attribute of a span as text, "" if it is not there.
func attr(s sdktrace.ReadOnlySpan, key string) string {
	for _, a := range s.Attributes() {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// histogram returns the one series of a metric.
func (l *listener) histogram(name string) metricdata.HistogramDataPoint[float64] {
	l.t.Helper()
	h, ok := l.collect()[name].Data.(metricdata.Histogram[float64])
	if !ok || len(h.DataPoints) != 1 {
		l.t.Fatalf("%s is not one histogram", name)
	}
	return h.DataPoints[0]
}

// read reads a body to its end and closes it.
func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// say writes to a connection.
func say(t *testing.T, w io.Writer, s string) {
	t.Helper()
	if _, err := io.WriteString(w, s); err != nil {
		t.Error(err)
	}
}
