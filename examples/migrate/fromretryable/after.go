package fromretryable

import (
	"net/http"

	"github.com/safetrip-go/safetrip/examples/migrate/users"
	"github.com/safetrip-go/safetrip/transport"
)

// After takes the very same configuration over, its CheckRetry and its Backoff
// too.
func After(url string) users.Client {
	retry, err := transport.FromRetryable(configured())
	if err != nil {
		panic(err) // it names each hook that has no counterpart
	}
	client := &http.Client{Transport: transport.Chain(http.DefaultTransport, retry.Wrap)}
	return users.Client{URL: url, Do: client.Do}
}
