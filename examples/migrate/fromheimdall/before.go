// Package fromheimdall is a program that used heimdall, before and after.
package fromheimdall

import (
	"time"

	"github.com/gojek/heimdall/v7"
	"github.com/gojek/heimdall/v7/httpclient"
	"github.com/safetrip-go/safetrip/examples/migrate/users"
)

// Before sends through heimdall's client.
func Before(url string) users.Client {
	backoff := heimdall.NewExponentialBackoff(10*time.Millisecond, 50*time.Millisecond, 2, 5*time.Millisecond)
	client := httpclient.NewClient(
		httpclient.WithHTTPTimeout(5*time.Second),
		httpclient.WithRetryCount(3),
		httpclient.WithRetrier(heimdall.NewRetrier(backoff)),
	)
	return users.Client{URL: url, Do: client.Do}
}
