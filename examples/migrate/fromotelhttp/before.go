// Package fromotelhttp is a program that used otelhttp alone, before and after.
package fromotelhttp

import (
	"net/http"

	"github.com/safetrip-go/safetrip/examples/migrate/users"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
)

// Before makes a span of each request.
func Before(url string, tp trace.TracerProvider) users.Client {
	client := &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport, otelhttp.WithTracerProvider(tp))}
	return users.Client{URL: url, Do: client.Do}
}
