package main

import (
	"io"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A contender is one way to send requests, set up as its own documentation
// shows.
type contender struct {
	name string
	does string // what a caller gets for the price
	ours bool
	can  ability

	// fatal are rules of the contract that end the whole program when they are
	// tried. They count as broken.
	fatal []string

	// wrap makes it an http.RoundTripper. If it is none, wrap is nil.
	wrap func(base http.RoundTripper, s setting) http.RoundTripper

	// client makes a function that sends, if wrap is nil.
	client func(base http.RoundTripper, s setting) sender
}

// A sender sends one request.
type sender func(*http.Request) (*http.Response, error)

// RoundTrip calls s.
func (s sender) RoundTrip(req *http.Request) (*http.Response, error) { return s(req) }

// ability is what workloads choose their contenders by.
type ability uint

const (
	retries    ability = 1 << iota // sends again what was answered 503, twice at the most
	breaks                         // has a circuit that opens
	breaksEach                     // has a circuit per host, or one that a user would keep in a map by host
)

// A setting is what a workload changes about a contender's defaults.
type setting struct {
	// hasty retries at once and as often as the setting of attempts allows. If
	// false, delays and budgets are the contender's own.
	hasty bool

	// brittle opens circuits at the first failure, for an hour. If false, they
	// have the contender's own thresholds.
	brittle bool
}

// send returns the contender over a base. What it does in the background goes
// on until the program ends.
func (c contender) send(base http.RoundTripper, s setting) sender {
	send, _ := c.open(base, s)
	return send
}

// open returns the contender over a base, and what ends it.
func (c contender) open(base http.RoundTripper, s setting) (sender, func()) {
	if c.wrap == nil {
		return c.client(base, s), func() {}
	}
	rt := c.wrap(base, s)
	if closer, ok := rt.(io.Closer); ok {
		return rt.RoundTrip, func() { closer.Close() }
	}
	return rt.RoundTrip, func() {}
}

// wrapped returns what wraps c's base as a [transport.Middleware] does.
func (c contender) wrapped(s setting) transport.Middleware {
	return func(base http.RoundTripper) http.RoundTripper { return c.wrap(base, s) }
}

const (
	attempts = 3         // in all
	anHour   = time.Hour // for which a circuit stays open
)

// field is everybody who sends requests, the limit first.
func field() []contender {
	return []contender{
		bare, httpClient,
		kitRetry, kitBreaker, kitHystrix, kitChain, kitTimed, kitAgent,
		retryable,
		failsafeRetry, failsafeBreaker, failsafeStack,
		gobreak,
		hystrixDo,
		heimdallRetry, heimdallHystrix,
		rehttpRetry,
		restyRetry, restyBreaker,
		otel,
		gregjones,
	}
}

// those returns the contenders that can do what is asked, behind the bare base.
func those(can ability) []contender {
	chosen := []contender{bare}
	for _, c := range field() {
		if c.can&can != 0 {
			chosen = append(chosen, c)
		}
	}
	return chosen
}
