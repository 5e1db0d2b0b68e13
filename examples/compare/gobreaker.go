package main

import (
	"errors"
	"net/http"

	"github.com/sony/gobreaker/v2"
)

// gobreak is sony/gobreaker in a wrapper as its users write it.
var gobreak = contender{
	name: "gobreaker", does: "one circuit", can: breaks | breaksEach,
	wrap: func(base http.RoundTripper, s setting) http.RoundTripper {
		settings := gobreaker.Settings{Name: "compare"}
		if s.brittle {
			settings.Timeout = anHour
			settings.ReadyToTrip = func(c gobreaker.Counts) bool { return c.ConsecutiveFailures > 0 }
		}
		circuit := gobreaker.NewCircuitBreaker[*http.Response](settings)
		return around{base, func(req *http.Request) (*http.Response, error) {
			resp, err := circuit.Execute(func() (*http.Response, error) { return serverErrors(base.RoundTrip(req)) })
			return withoutServerError(resp, err)
		}}
	},
}

// around is a wrapper that a library for functions needs to be a transport.
type around struct {
	base http.RoundTripper
	sender
}

// CloseIdleConnections reaches the base.
func (a around) CloseIdleConnections() {
	if c, ok := a.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// errServer tells a circuit that knows errors alone of an answer that was one.
var errServer = errors.New("the service answered with an error of its own")

func serverErrors(resp *http.Response, err error) (*http.Response, error) {
	if err == nil && resp != nil && resp.StatusCode >= http.StatusInternalServerError {
		return resp, errServer
	}
	return resp, err
}

func withoutServerError(resp *http.Response, err error) (*http.Response, error) {
	if errors.Is(err, errServer) {
		return resp, nil
	}
	return resp, err
}
