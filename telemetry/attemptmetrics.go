package telemetry

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/safetrip-go/safetrip/internal/table"
)

// durationBuckets are the boundaries that the conventions advise, in seconds.
var durationBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

// attemptMetrics are the metrics that the conventions have for an HTTP client.
type attemptMetrics struct {
	duration     metric.Float64Histogram
	active       metric.Int64UpDownCounter // nil unless asked for
	requestSize  metric.Int64Histogram     // nil unless asked for
	responseSize metric.Int64Histogram     // nil unless asked for

	hosts     *limit
	templates *limit
	last      atomic.Pointer[series] // most attempts are like the one before
	known     table.Table[seriesKey, series]
}

func newAttemptMetrics(a Attempt) *attemptMetrics {
	m := newMeter(a.MeterProvider)
	defer m.report()
	s := &attemptMetrics{
		duration:  m.float64Histogram("http.client.request.duration", "s", "Duration of HTTP client requests.", durationBuckets...),
		hosts:     newLimit(a.MaxHosts),
		templates: newLimit(a.MaxHosts),
		known:     table.Table[seriesKey, series]{Max: maxKept},
	}
	if a.OptIn.ActiveRequests {
		s.active = m.upDownCounter("http.client.active_requests", "{request}", "Number of active HTTP requests.")
	}
	if a.OptIn.BodySizes {
		s.requestSize = m.int64Histogram("http.client.request.body.size", "By", "Size of HTTP client request bodies.")
		s.responseSize = m.int64Histogram("http.client.response.body.size", "By", "Size of HTTP client response bodies.")
	}
	return s
}

// enabled reports whether anybody reads any of them.
func (m *attemptMetrics) enabled(ctx context.Context) bool {
	return m.duration.Enabled(ctx) || m.active != nil && m.active.Enabled(ctx) ||
		m.responseSize != nil && (m.requestSize.Enabled(ctx) || m.responseSize.Enabled(ctx))
}

func (m *attemptMetrics) began(ctx context.Context, r route) {
	if m.active != nil {
		m.active.Add(ctx, 1, m.series(r, unended).add...)
	}
}

// ended is given the span's ctx, which exemplars are taken from.
func (m *attemptMetrics) ended(ctx context.Context, r route, s *series, d time.Duration) {
	m.duration.Record(ctx, d.Seconds(), s.record...)
	if m.active != nil {
		m.active.Add(ctx, -1, m.series(r, unended).add...)
	}
}

// A seriesKey names a series: it holds what its attributes are made of.
type seriesKey struct {
	route
	ending
}

// unended is the ending of exchanges that are under way.
var unended = ending{status: -1}

// A series is a set of attributes in the forms that the API takes, made once.
type series struct {
	key       seriesKey
	record    []metric.RecordOption
	add       []metric.AddOption
	spanAttrs []attribute.KeyValue // those of the end, for the span
}

// series returns the series of exchanges over r that ended in e.
func (m *attemptMetrics) series(r route, e ending) *series {
	k := seriesKey{r, e}
	if s := m.last.Load(); s != nil && s.key == k {
		return s
	}
	s := m.known.Get(k)
	if s == nil {
		k.route = m.fold(r)
		s = m.known.GetOrAdd(k, func() (seriesKey, *series) { return k, newSeries(k) })
	}
	m.last.Store(s)
	return s
}

// fold returns r with what is beyond a limit replaced. What it returns may be
// kept: it holds no part of a request's memory.
func (m *attemptMetrics) fold(r route) route {
	r.template = m.templates.fold(r.template)
	r.scheme = strings.Clone(r.scheme)
	if !m.hosts.admit(r.place.String()) {
		r.place = elsewhere
	}
	r.place.address = strings.Clone(r.place.address)
	return r
}

func newSeries(k seriesKey) *series {
	var end []attribute.KeyValue
	if k.status > 0 {
		end = append(end, semconv.HTTPResponseStatusCode(k.status))
	}
	if t := k.errorType(); t != "" {
		end = append(end, semconv.ErrorTypeKey.String(t))
	}
	if k.protocol != "" {
		end = append(end, semconv.NetworkProtocolVersion(k.protocol))
	}
	set := metric.WithAttributeSet(attribute.NewSet(append(k.route.attributes(), end...)...))
	return &series{key: k, record: []metric.RecordOption{set}, add: []metric.AddOption{set}, spanAttrs: end}
}

// attributes returns the metric attributes that are known from the beginning.
func (r route) attributes() []attribute.KeyValue {
	attrs := append(r.place.attributes(), semconv.HTTPRequestMethodKey.String(r.method))
	if r.template != "" {
		attrs = append(attrs, semconv.URLTemplate(r.template))
	}
	if r.scheme != "" {
		attrs = append(attrs, semconv.URLScheme(r.scheme))
	}
	return attrs
}

// sizes records how large the bodies are. A response that does not say is
// counted while it is read; of one that was decompressed on the way nobody
// knows what was transferred.
func (m *attemptMetrics) sizes(x *exchange, resp *http.Response, e ending) {
	if m.responseSize == nil {
		return
	}
	ctx, s := x.ctx, m.series(x.route, e)
	if n := x.req.ContentLength; n >= 0 && (n > 0 || x.req.Body == nil || x.req.Body == http.NoBody) {
		m.requestSize.Record(ctx, n, s.record...)
	}
	switch {
	case resp == nil || resp.Uncompressed:
	case x.req.Method == http.MethodHead || resp.Body == nil || resp.Body == http.NoBody:
		m.responseSize.Record(ctx, 0, s.record...)
	case resp.ContentLength >= 0:
		m.responseSize.Record(ctx, resp.ContentLength, s.record...)
	default:
		resp.Body = countBody(resp.Body, func(n int64) { m.responseSize.Record(ctx, n, s.record...) })
	}
}
