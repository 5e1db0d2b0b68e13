package main

import (
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/fallback"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
)

// failsafe-go/failsafe-go by its failsafehttp: single policies, and the order
// of policies that its documentation recommends.
var (
	failsafeRetry = contender{
		name: "failsafe-go retry", does: "retry", can: retries,
		wrap: func(base http.RoundTripper, _ setting) http.RoundTripper {
			return failsafehttp.NewRoundTripper(base, failsafePolicy())
		},
	}
	failsafeBreaker = contender{
		name: "failsafe-go breaker", does: "one circuit", can: breaks | breaksEach,
		wrap: func(base http.RoundTripper, s setting) http.RoundTripper {
			return failsafehttp.NewRoundTripper(base, failsafeCircuit(s))
		},
	}
	failsafeStack = contender{
		name: "failsafe-go stack", does: "fallback, retry, one circuit, timeout", can: retries | breaks,
		wrap: func(base http.RoundTripper, s setting) http.RoundTripper {
			standIn := fallback.NewWithFunc(lastFailure)
			return failsafehttp.NewRoundTripper(base,
				standIn, failsafePolicy(), failsafeCircuit(s), timeout.New[*http.Response](10*time.Second))
		},
	}
)

// lastFailure is a stand-in that has nothing to offer, as the kit's ladder over
// an empty cache.
func lastFailure(exec failsafe.Execution[*http.Response]) (*http.Response, error) {
	return exec.LastResult(), exec.LastError()
}

// failsafePolicy is the same for every setting: it has no delay by default.
func failsafePolicy() retrypolicy.RetryPolicy[*http.Response] {
	return failsafehttp.NewRetryPolicyBuilder().WithMaxRetries(attempts - 1).ReturnLastFailure().Build()
}

func failsafeCircuit(s setting) circuitbreaker.CircuitBreaker[*http.Response] {
	b := circuitbreaker.NewBuilder[*http.Response]().HandleIf(func(resp *http.Response, err error) bool {
		return err != nil || resp != nil && resp.StatusCode >= http.StatusInternalServerError
	})
	switch {
	case s.brittle:
		b.WithFailureThreshold(1).WithDelay(anHour)
	case s.hasty:
		b.WithFailureThresholdRatio(100, 100)
	default:
		b.WithFailureThreshold(5).WithDelay(time.Minute).WithSuccessThreshold(3)
	}
	return b.Build()
}
