package main

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// otel is OpenTelemetry's own transport in a program without an SDK. The
// workload about spans gives it one.
var otel = contender{
	name: "otelhttp", does: "telemetry (no SDK)",
	wrap: func(base http.RoundTripper, _ setting) http.RoundTripper { return otelhttp.NewTransport(base) },
}
