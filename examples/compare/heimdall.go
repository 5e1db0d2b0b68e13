package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gojek/heimdall/v7"
	"github.com/gojek/heimdall/v7/httpclient"
	"github.com/gojek/heimdall/v7/hystrix"
)

// gojek/heimdall's two clients.
var (
	heimdallRetry = contender{
		name: "heimdall", does: "retry", can: retries,
		client: func(base http.RoundTripper, s setting) sender {
			return httpclient.NewClient(
				httpclient.WithHTTPClient(&http.Client{Transport: base}),
				httpclient.WithRetryCount(attempts-1),
				httpclient.WithRetrier(heimdallWaits(s)),
			).Do
		},
	}
	heimdallHystrix = contender{
		name: "heimdall hystrix", does: "retry, one circuit, timeout", can: breaks,
		client: func(base http.RoundTripper, s setting) sender {
			c := command(s)
			return hystrix.NewClient(
				hystrix.WithHTTPClient(&http.Client{Transport: base}),
				hystrix.WithCommandName(fmt.Sprintf("compare-%d", commands.Add(1))),
				hystrix.WithHystrixTimeout(time.Minute),
				hystrix.WithMaxConcurrentRequests(c.MaxConcurrentRequests),
				hystrix.WithRequestVolumeThreshold(max(1, c.RequestVolumeThreshold)),
				hystrix.WithErrorPercentThreshold(max(1, c.ErrorPercentThreshold)),
				hystrix.WithSleepWindow(int(anHour.Milliseconds())),
			).Do
		},
	}
)

func heimdallWaits(s setting) heimdall.Retriable {
	if s.hasty {
		return heimdall.NewRetrierFunc(func(int) time.Duration { return 0 })
	}
	return heimdall.NewRetrier(heimdall.NewConstantBackoff(time.Second, time.Second))
}
