// Package fromfailsafe is a program that used failsafe-go, before and after.
package fromfailsafe

import (
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/safetrip-go/safetrip/examples/migrate/users"
)

// Before sends through failsafehttp's RoundTripper.
func Before(url string) users.Client {
	retry := failsafehttp.NewRetryPolicyBuilder().
		WithMaxRetries(3).
		WithBackoff(10*time.Millisecond, 50*time.Millisecond).
		Build()
	circuit := circuitbreaker.NewBuilder[*http.Response]().
		HandleIf(func(resp *http.Response, err error) bool { return err != nil || resp.StatusCode >= 500 }).
		WithFailureThreshold(5).
		WithDelay(time.Minute).
		Build()
	client := &http.Client{Transport: failsafehttp.NewRoundTripper(nil, retry, circuit)}
	return users.Client{URL: url, Do: client.Do}
}
