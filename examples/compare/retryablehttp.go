package main

import (
	"net/http"

	"github.com/hashicorp/go-retryablehttp"
)

// retryable is hashicorp/go-retryablehttp behind the RoundTripper that it has
// for this. Its Client sends by an http.Client of its own.
var retryable = contender{
	name: "go-retryablehttp", does: "retry", can: retries,
	wrap: func(base http.RoundTripper, s setting) http.RoundTripper {
		c := retryablehttp.NewClient()
		c.HTTPClient = &http.Client{Transport: base}
		c.Logger = nil
		c.RetryMax = attempts - 1
		if s.hasty {
			c.RetryWaitMin, c.RetryWaitMax = 0, 0
		}
		return &retryablehttp.RoundTripper{Client: c}
	},
}
