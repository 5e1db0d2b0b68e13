package main

import (
	"net/http"
	"time"

	"github.com/PuerkitoBio/rehttp"
)

var rehttpRetry = contender{
	name: "rehttp", does: "retry", can: retries,
	wrap: func(base http.RoundTripper, s setting) http.RoundTripper {
		delay := rehttp.ExpJitterDelay(time.Second, time.Minute)
		if s.hasty {
			delay = rehttp.ConstDelay(0)
		}
		return rehttp.NewTransport(base, rehttp.RetryAll(
			rehttp.RetryMaxRetries(attempts-1),
			rehttp.RetryAny(rehttp.RetryTemporaryErr(), rehttp.RetryStatuses(http.StatusServiceUnavailable)),
		), delay)
	},
}
