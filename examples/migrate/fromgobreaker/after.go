package fromgobreaker

import (
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/examples/migrate/users"
	"github.com/safetrip-go/safetrip/transport"
)

// After has a circuit for each host, and one probe that closes it.
func After(url string) users.Client {
	circuits := &transport.Breaker{FailureThreshold: 5, OpenFor: time.Minute, Successes: 1}
	client := &http.Client{Transport: transport.Chain(http.DefaultTransport, circuits.Wrap)}
	return users.Client{URL: url, Do: client.Do}
}
