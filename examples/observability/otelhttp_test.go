package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// Who has otelhttp already may keep it: it stands where Attempt would, and
// makes the one CLIENT span of each attempt.
func TestOtelhttpTakesThePlaceOfAttempt(t *testing.T) {
	var arrived []string // the span that each request says it belongs to
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		arrived = append(arrived, trace.SpanContextFromContext(ctx).SpanID().String())
		if len(arrived) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
		telemetry.Call{TracerProvider: provider}.Wrap,
		transport.Retry{BaseDelay: time.Millisecond}.Wrap,
		func(next http.RoundTripper) http.RoundTripper {
			return otelhttp.NewTransport(next, otelhttp.WithTracerProvider(provider), otelhttp.WithPropagators(propagation.TraceContext{}))
		},
	)}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	server.Close()

	var call sdktrace.ReadOnlySpan
	var attempts []string
	for _, s := range spans.Ended() {
		switch s.SpanKind() {
		case trace.SpanKindInternal:
			call = s
		case trace.SpanKindClient:
			attempts = append(attempts, s.SpanContext().SpanID().String())
		default:
			t.Errorf("a span of kind %v", s.SpanKind())
		}
	}
	if len(attempts) != 3 || !slices.Equal(attempts, arrived) {
		t.Errorf("spans of attempts %v, and the requests belong to %v", attempts, arrived)
	}
	for _, s := range spans.Ended() {
		if s.SpanKind() == trace.SpanKindClient && s.Parent().SpanID() != call.SpanContext().SpanID() {
			t.Errorf("the span %s is not under the call's", s.Name())
		}
	}
}
