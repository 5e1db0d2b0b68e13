package rttest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// A probe is what a rule is tried with: the wrapper, and the means to send
// requests through it without being held or brought down by it.
type probe struct {
	reporter
	rule     rule
	suite    Suite
	wrap     func(http.RoundTripper) http.RoundTripper
	patience time.Duration
	short    bool
	over     chan struct{} // closed when the rule has ended; ends what servers and bodies wait for
}

func newProbe(r reporter, s Suite, ru rule) *probe {
	p := &probe{
		reporter: r,
		rule:     ru,
		suite:    s,
		patience: s.patience,
		short:    s.short || testing.Testing() && testing.Short(),
		over:     make(chan struct{}),
	}
	if p.patience == 0 {
		p.patience = 10 * time.Second
	}
	r.Cleanup(func() { close(p.over) })
	return p
}

// fault reports what was found, together with the sentence that forbids it.
// What a goroutine finds after the rule has ended is not reported: it is the
// echo of something that was.
func (p *probe) fault(format string, args ...any) {
	p.Helper()
	select {
	case <-p.over:
		return
	default:
	}
	p.Errorf("%s\n\t%s: %s", fmt.Sprintf(format, args...), p.rule.name, p.rule.sentence)
}

// fatal is fault, and ends the rule.
func (p *probe) fatal(format string, args ...any) {
	p.Helper()
	p.fault(format, args...)
	p.FailNow()
}

// host returns the name of a host that no call has gone to yet.
func (p *probe) host() string {
	return fmt.Sprintf("h%x.rttest.test", rand.Uint64())
}

// request makes a request to a host of its own. As with http.NewRequest, the
// body of a *strings.Reader can be had again from GetBody.
func (p *probe) request(method string, body io.Reader) *http.Request {
	return p.requestTo("http://"+p.host()+"/path?query=1", method, body)
}

func (p *probe) requestTo(url, method string, body io.Reader) *http.Request {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), method, url, body)
	if err != nil {
		p.fatal("the suite's own request: %v", err)
	}
	return req
}

// outcome is how a round trip ended.
type outcome struct {
	resp     *http.Response
	err      error
	panicked any
	stack    []byte
}

// try sends a request, and gives up with the rule if the call is held.
func (p *probe) try(rt http.RoundTripper, req *http.Request) outcome {
	p.Helper()
	ended := make(chan outcome, 1)
	go func() { ended <- trip(rt, req) }()
	select {
	case o := <-ended:
		return o
	case <-time.After(p.patience):
		p.fatal("RoundTrip was still held after %v", p.patience)
		panic("unreachable")
	}
}

func trip(rt http.RoundTripper, req *http.Request) (o outcome) {
	defer func() {
		if o.panicked = recover(); o.panicked != nil {
			o.stack = debug.Stack()
		}
	}()
	o.resp, o.err = rt.RoundTrip(req)
	return o
}

// send is try for a base that keeps the contract: it also gives up with the
// rule if the call panicked, or did not return either a response or an error.
func (p *probe) send(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	p.Helper()
	o := p.try(rt, req)
	switch {
	case o.panicked != nil:
		p.fatal("RoundTrip panicked: %v\n%s", o.panicked, o.stack)
	case o.resp == nil && o.err == nil:
		p.fatal("RoundTrip returned neither a response nor an error")
	case o.resp != nil && o.err != nil:
		p.fatal("RoundTrip returned a response (%s) and an error (%v)", o.resp.Status, o.err)
	case o.resp != nil && o.resp.Body == nil:
		p.fatal("RoundTrip returned a response without a body")
	}
	return o.resp, o.err
}

// fetch is send for a call that has to be answered. The body is closed at the
// latest when the rule ends.
func (p *probe) fetch(rt http.RoundTripper, req *http.Request) *http.Response {
	p.Helper()
	resp, err := p.send(rt, req)
	if err != nil {
		p.fatal("RoundTrip failed: %v", err)
	}
	p.Cleanup(func() { p.quietly(resp.Body) })
	return resp
}

// quietly closes what may have been closed already, and what a broken wrapper
// may never let go of.
func (p *probe) quietly(c io.Closer) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		defer func() { _ = recover() }()
		c.Close()
	}()
	select {
	case <-closed:
	case <-time.After(p.patience):
	}
}

// read reads a body to its end, and gives up with the rule if it is held.
func (p *probe) read(body io.Reader) (string, error) {
	p.Helper()
	var text strings.Builder
	var err error
	p.within("reading the body", func() { _, err = io.Copy(&text, body) })
	return text.String(), err
}

// within runs f in a goroutine, and gives up with the rule if f is held.
func (p *probe) within(what string, f func()) {
	p.Helper()
	ended := make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		f()
	}()
	select {
	case panicked := <-ended:
		if panicked != nil {
			p.fatal("%s panicked: %v", what, panicked)
		}
	case <-time.After(p.patience):
		p.fatal("%s was still held after %v", what, p.patience)
	}
}

// eventually polls until a condition holds, for what another goroutine or the
// kernel does in its own time; false means that it did not within p.patience.
func (p *probe) eventually(holds func() bool) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(p.patience); time.Now().Before(end); <-tick.C {
		if holds() {
			return true
		}
	}
	return holds()
}

// dead returns a context that is over.
func (p *probe) dead() context.Context {
	ctx, cancel := context.WithCancel(p.Context())
	cancel()
	return ctx
}
