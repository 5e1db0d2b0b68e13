package main

import (
	"maps"
	"net/http"
	"time"

	"resty.dev/v3"
)

// go-resty, a client of its own, with its answers handed on unparsed.
var (
	restyRetry = contender{
		name: "go-resty", does: "retry", can: retries,
		client: func(base http.RoundTripper, s setting) sender {
			c := resty.NewWithClient(&http.Client{Transport: base}).
				SetRetryCount(attempts - 1).
				AddRetryConditions(resty.RetryConditionStatus5XX)
			if s.hasty {
				c.SetRetryDelayStrategy(func(*resty.Response, error) (time.Duration, error) { return 0, nil })
			}
			return restySender(c)
		},
	}
	restyBreaker = contender{
		name: "go-resty breaker", does: "one circuit", can: breaks,
		client: func(base http.RoundTripper, s setting) sender {
			threshold, openFor := uint64(5), time.Minute
			if s.brittle {
				threshold, openFor = 1, anHour
			}
			circuit := resty.NewCircuitBreakerCount(threshold, 1, openFor)
			return restySender(resty.NewWithClient(&http.Client{Transport: base}).SetCircuitBreaker(circuit))
		},
	}
)

func restySender(c *resty.Client) sender {
	return func(req *http.Request) (*http.Response, error) {
		r := c.R().SetContext(req.Context()).SetResponseDoNotParse(true)
		maps.Copy(r.Header, req.Header)
		if req.Body != nil {
			r.SetBody(req.Body).SetContentLength(req.ContentLength)
		}
		resp, err := r.Execute(req.Method, req.URL.String())
		if err != nil {
			return nil, err
		}
		return resp.RawResponse, nil
	}
}
