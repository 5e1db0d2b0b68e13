package fromotelhttp

import (
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/examples/migrate/users"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
	"go.opentelemetry.io/otel/trace"
)

// After makes a span of each call and of each attempt, and has attempts.
func After(url string, tp trace.TracerProvider) users.Client {
	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
		telemetry.Call{TracerProvider: tp}.Wrap,
		transport.Retry{MaxAttempts: 4, BaseDelay: 10 * time.Millisecond, MaxDelay: 50 * time.Millisecond}.Wrap,
		telemetry.Attempt{TracerProvider: tp}.Wrap,
	)}
	return users.Client{URL: url, Do: client.Do}
}
