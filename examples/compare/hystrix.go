package main

import (
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"time"

	hystrixgo "github.com/afex/hystrix-go/hystrix"

	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/hystrix"
)

// afex/hystrix-go twice: by its own Do, and as the engine of the kit's Breaker.
var (
	hystrixDo = contender{
		name: "hystrix-go Do", does: "one circuit, timeout, bound", can: breaks | breaksEach,
		fatal: []string{"panic", "panic-frees"}, // its goroutine does not recover
		wrap: func(base http.RoundTripper, s setting) http.RoundTripper {
			name := fmt.Sprintf("compare-%d", commands.Add(1))
			hystrixgo.ConfigureCommand(name, command(s))
			return around{base, func(req *http.Request) (*http.Response, error) {
				var resp *http.Response
				err := hystrixgo.Do(name, func() (err error) {
					resp, err = serverErrors(base.RoundTrip(req))
					return err
				}, nil)
				return withoutServerError(resp, err)
			}}
		},
	}
	kitHystrix = contender{
		name: "safetrip Breaker on hystrix-go", does: "circuit per host", ours: true, can: breaks,
		wrap: func(base http.RoundTripper, s setting) http.RoundTripper {
			name := fmt.Sprintf("compare-%d", commands.Add(1))
			b := transport.Breaker{
				Engine: &hystrix.Engine{Command: command(s)},
				Key:    func(*http.Request) string { return name },
			}
			return b.Wrap(base)
		},
	}
)

// commands counts names: hystrix-go keeps a circuit for each, for ever.
var commands atomic.Int64

// command has room for all calls of a workload: with the default of ten at
// once, hystrix-go refuses some even of a caller that sends one after another.
func command(s setting) hystrixgo.CommandConfig {
	c := hystrixgo.CommandConfig{MaxConcurrentRequests: 2048, Timeout: int(time.Minute.Milliseconds())}
	switch {
	case s.brittle:
		c.RequestVolumeThreshold, c.ErrorPercentThreshold, c.SleepWindow = 1, 1, int(anHour.Milliseconds())
	case s.hasty:
		c.RequestVolumeThreshold = math.MaxInt32
	}
	return c
}
