package fromfailsafe

import (
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/examples/migrate/users"
	"github.com/safetrip-go/safetrip/transport"
)

// After has the same attempts, delays and circuit, in the same order: the
// first one listed is the outermost.
func After(url string) users.Client {
	circuits := &transport.Breaker{FailureThreshold: 5, OpenFor: time.Minute, Successes: 1}
	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
		transport.Retry{MaxAttempts: 4, BaseDelay: 10 * time.Millisecond, MaxDelay: 50 * time.Millisecond}.Wrap,
		circuits.Wrap,
	)}
	return users.Client{URL: url, Do: client.Do}
}
