package telemetry_test

import (
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// The contract of http.RoundTripper holds whoever listens.
func TestContract(t *testing.T) {
	traces := sdktrace.NewTracerProvider()
	call := telemetry.Call{TracerProvider: traces, MeterProvider: metrics()}
	attempt := telemetry.Attempt{TracerProvider: traces, MeterProvider: metrics(), Propagator: propagation.TraceContext{}}
	body := attempt
	body.Body = true
	all := body
	all.OptIn = telemetry.OptIn{ActiveRequests: true, BodySizes: true, Peer: true, Scheme: true, UserAgent: true, ResponseHeaders: []string{"Date"}}
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"Call":                   call.Wrap,
		"Attempt":                attempt.Wrap,
		"Attempt, to body's end": body.Wrap,
		"Attempt, all asked for": all.Wrap,
		"Call and Attempt":       func(rt http.RoundTripper) http.RoundTripper { return call.Wrap(attempt.Wrap(rt)) },
		"Call and Attempt, quiet": func(rt http.RoundTripper) http.RoundTripper {
			return telemetry.Call{}.Wrap(telemetry.Attempt{}.Wrap(rt))
		},
	} {
		t.Run(name, func(t *testing.T) { rttest.Test(t, wrap) })
	}
}
