package torture

import (
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strings"
)

// An exchange is what a client says to a server, and hears from it when nothing
// fails.
type exchange struct {
	name  string
	steps []step
	probe bool       // the circuit is half-open at the start
	on    []protocol // if nil, HTTP/1 and HTTP/2
}

// A step is one call of an exchange.
type step struct {
	method, path string
	body         int // bytes
	replay       replay
	key          bool   // it has an Idempotency-Key
	header       string // one more, "Name: value"
	trailers     bool   // either side has one
	alone        bool   // it does not share its connection
	status       int    // 200 if zero
	answer       string
	sent         int64 // how often it is sent, 1 if zero
	leave        bool  // the caller closes the answer half-way
}

var (
	// What HTTP/2 would add nothing to is left to HTTP/1: it is what is asked of
	// the kit, not of net/http.
	onlyHTTP1 = []protocol{http1}

	small1 = step{method: "GET", path: "/small", answer: small}
	post   = step{method: "POST", path: "/echo", body: 100, answer: "100"}
	chunks = step{method: "GET", path: "/chunked", answer: strings.Repeat(piece, pieces)}
)

var exchanges = []exchange{
	{name: "GET", on: []protocol{http1, http2, http2TLS}, steps: []step{small1}},
	{name: "POST", steps: []step{post}},
	{name: "HEAD, then 204", on: onlyHTTP1, steps: []step{{method: "HEAD", path: "/small"}, {method: "GET", path: "/empty", status: 204}}},
	{name: "chunked answer", steps: []step{chunks}},
	{name: "large answer, left half-way", steps: []step{{method: "GET", path: "/large", answer: large, leave: true}}},
	{name: "POST 64 KiB without GetBody", on: onlyHTTP1, steps: []step{{method: "POST", path: "/echo", body: 64 << 10, replay: known, answer: "65536"}}},
	{name: "PUT 64 KiB without GetBody", steps: []step{{method: "PUT", path: "/echo", body: 64 << 10, replay: known, answer: "65536"}}},
	{name: "PUT stream", steps: []step{{method: "PUT", path: "/echo", body: 20 << 10, replay: stream, answer: "20480"}}},
	{name: "POST stream with trailers, both ways", on: onlyHTTP1, steps: []step{{method: "POST", path: "/trailers", body: 1000, replay: stream, trailers: true, answer: "1000"}}},
	{name: "PUT stream with trailers, both ways", steps: []step{{method: "PUT", path: "/trailers", body: 1000, replay: stream, trailers: true, answer: "1000"}}},
	{name: "POST 256 KiB that is not wanted", steps: []step{{method: "POST", path: "/early", body: 256 << 10, status: 413}}},
	{name: "POST that waits for 100", steps: []step{{method: "POST", path: "/echo", body: 1000, header: "Expect: 100-continue", answer: "1000"}}},
	{name: "POST that waits for 100 in vain", steps: []step{{method: "POST", path: "/early", body: 1000, header: "Expect: 100-continue", status: 413}}},
	{name: "upgrade", on: onlyHTTP1, steps: []step{{method: "GET", path: "/upgrade", header: "Upgrade: word", status: 101, answer: small}}},
	{name: "one connection", steps: []step{small1, post, chunks, {method: "POST", path: "/echo", body: 100, replay: stream, answer: "100"}}},
	{name: "two connections", steps: []step{
		{method: "GET", path: "/small", alone: true, answer: small},
		{method: "GET", path: "/small", alone: true, answer: small}, // the cache has it
	}},
	{name: "redirect", steps: []step{{method: "GET", path: "/moved", answer: small, sent: 2}}},
	{name: "503, then 200", on: onlyHTTP1, steps: []step{{method: "GET", path: "/unwell", answer: small, sent: 2}}},
	{name: "PUT, 503, then 200", on: onlyHTTP1, steps: []step{{method: "PUT", path: "/unwell", body: 1000, replay: known, answer: small, sent: 2}}},
	{name: "POST, 503", on: onlyHTTP1, steps: []step{{method: "POST", path: "/unwell", body: 1000, status: 503, answer: "not now\n"}}},
	{name: "POST, 429, then 200", steps: []step{{method: "POST", path: "/busy", body: 1000, answer: small, sent: 2}}},
	{name: "POST with a key, 503, then 200", on: onlyHTTP1, steps: []step{{method: "POST", path: "/unwell", body: 1000, key: true, answer: small, sent: 2}}},
	{name: "probe", probe: true, steps: []step{{method: "PUT", path: "/echo", body: 100, answer: "100"}}},
}

// survives says whether the kit must answer c, a call of s, although f was met
// and what came of it is err.
func (s *step) survives(c *call, f *fault, err error) bool {
	switch {
	case f == nil:
		return true
	case f.lasting:
		return false
	case f.op == dial:
		return true
	case !c.repeatable(), s.body > 0 && s.replay != getBody:
		return false
	case errors.Is(err, io.ErrUnexpectedEOF):
		return s.method == http.MethodGet || s.method == http.MethodHead
	}
	// net/http does not tell a header that was cut from one that makes no sense.
	_, malformed := errors.AsType[textproto.ProtocolError](err)
	return !malformed
}
