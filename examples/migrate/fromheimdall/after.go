package fromheimdall

import (
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/examples/migrate/users"
	"github.com/safetrip-go/safetrip/transport"
)

// After has the same attempts, delays and timeout. The timeout is the
// attempt's, as it was.
func After(url string) users.Client {
	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
		transport.Retry{MaxAttempts: 4, BaseDelay: 10 * time.Millisecond, MaxDelay: 50 * time.Millisecond}.Wrap,
		transport.Timeout{Headers: 5 * time.Second}.Wrap,
	)}
	return users.Client{URL: url, Do: client.Do}
}
