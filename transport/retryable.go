package transport

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// go-retryablehttp's policies, by name. Its Client is not what sends here:
// it follows redirects inside the round trip, replaces and buffers the
// caller's body, loses the last response, and waits past deadlines.

// DefaultCheck is go-retryablehttp's DefaultRetryPolicy, for [Retry.Check].
// It differs from [Classify]: it resends after 429 and every 5xx but 501, and
// after any error but a few that will not mend.
func DefaultCheck(ctx context.Context, resp *http.Response, err error) (bool, error) {
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

// DefaultBackoff is go-retryablehttp's DefaultBackoff, for [Retry.Backoff]:
// doubling without jitter, and the server's Retry-After where there is one.
func DefaultBackoff(base, limit time.Duration, attempt int, resp *http.Response) time.Duration {
	return retryablehttp.DefaultBackoff(base, limit, attempt, resp)
}

// FromRetryable takes over the configuration of a go-retryablehttp client:
// RetryMax, RetryWaitMin and RetryWaitMax, CheckRetry and Backoff. The hooks of
// that client that have no counterpart (RequestLogHook, ResponseLogHook,
// ErrorHandler, PrepareRetry) are reported as an error, all of them at once:
// use a layer inside or outside of Retry for what they did.
//
// The Retry follows this package's rules for who may be sent again, which are
// stricter than that library's: a POST is not, unless it is safe.
func FromRetryable(c *retryablehttp.Client) (Retry, error) {
	var errs []error
	for _, hook := range []struct {
		name string
		set  bool
	}{
		{"RequestLogHook", c.RequestLogHook != nil},
		{"ResponseLogHook", c.ResponseLogHook != nil},
		{"ErrorHandler", c.ErrorHandler != nil},
		{"PrepareRetry", c.PrepareRetry != nil},
	} {
		if hook.set {
			errs = append(errs, errors.New("transport: retryablehttp.Client."+hook.name+" has no counterpart in Retry; use a layer of your own"))
		}
	}
	r := Retry{
		MaxAttempts: max(1, c.RetryMax+1),
		BaseDelay:   cmp.Or(c.RetryWaitMin, -1), // over there zero is no wait
		MaxDelay:    c.RetryWaitMax,
		Jitter:      NoJitter,
		Check:       c.CheckRetry,
		Backoff:     c.Backoff,
	}
	errs = append(errs, r.Validate())
	return r, errors.Join(errs...)
}
