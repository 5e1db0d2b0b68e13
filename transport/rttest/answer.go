package rttest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// The answer on its way out, as a value: nothing lost, nothing made up.
var answerRules = []rule{
	{"response-xor-error", "RoundTrip returns either a response or an error, never both and never neither", memory, responseXorError},
	{"nothing-from-base", "a base that returns neither a response nor an error panics nobody, and no response is made up for it", memory, nothingFromBase},
	{"bare-response", "a response without Body, Header or Request, as a base made by hand may give, panics nobody", memory, bareResponse},
	{"callers-request", "Response.Request is the request that the caller sent", memory, callersRequest},
	{"response-complete", "status, protocol, headers in any spelling, lengths, Uncompressed, Close, TLS and trailers of a response reach the caller as the base gave them", memory, responseComplete},
	{"base-called-once", "a call that went well was sent once", memory, baseCalledOnce},
}

func responseXorError(p *probe) {
	failed := errors.New("base failed")
	for _, steps := range [][]any{
		{http.StatusOK},
		{http.StatusServiceUnavailable},
		{failed},
		{http.StatusServiceUnavailable, failed},
		{failed, http.StatusServiceUnavailable},
		{http.StatusTooManyRequests, http.StatusBadGateway, failed},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if resp, err := p.send(p.wrap(Script(steps...)), p.request(method, nil)); err == nil {
				resp.Body.Close()
			}
		}
	}
}

// nothingFromBase goes through an http.Client, which turns neither-nor into an
// error of its own: a wrapper may do so too, or leave it to the client.
func nothingFromBase(p *probe) {
	client := http.Client{Transport: panicsCaught{p, p.wrap(baseFunc(func(*http.Request) (*http.Response, error) {
		return nil, nil
	}))}}
	resp, err := client.Do(p.request(http.MethodGet, nil))
	if err == nil {
		resp.Body.Close()
		p.fault("the base returned nothing, and the call was answered %s", resp.Status)
	}
}

// panicsCaught reports a panic instead of letting the test die of it.
type panicsCaught struct {
	p    *probe
	next http.RoundTripper
}

func (c panicsCaught) RoundTrip(req *http.Request) (*http.Response, error) {
	o := c.p.try(c.next, req)
	if o.panicked != nil {
		c.p.fatal("RoundTrip panicked: %v\n%s", o.panicked, o.stack)
	}
	return o.resp, o.err
}

func bareResponse(p *probe) {
	for name, resp := range map[string]http.Response{
		"without Body":    {StatusCode: http.StatusOK, Header: http.Header{}},
		"without Header":  {StatusCode: http.StatusOK, Body: http.NoBody},
		"without all":     {StatusCode: http.StatusOK},
		"503 without all": {StatusCode: http.StatusServiceUnavailable},
	} {
		o := p.try(p.wrap(baseFunc(func(*http.Request) (*http.Response, error) {
			bare := resp
			return &bare, nil
		})), p.request(http.MethodGet, nil))
		if o.panicked != nil {
			p.fatal("a response %s: RoundTrip panicked: %v\n%s", name, o.panicked, o.stack)
		}
		if o.resp != nil && o.resp.Body != nil {
			if _, err := p.read(o.resp.Body); err != nil {
				p.fault("a response %s: its body fails with %v", name, err)
			}
			p.within("closing the body", func() { o.resp.Body.Close() })
		}
	}
}

func callersRequest(p *probe) {
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		for _, steps := range [][]any{{http.StatusOK}, {http.StatusServiceUnavailable}, {http.StatusServiceUnavailable, http.StatusOK}} {
			req := p.request(method, strings.NewReader("body"))
			if resp := p.fetch(p.wrap(Script(steps...)), req); resp.Request != req {
				p.fault("a %s answered %v: Response.Request is %p, and the caller sent %p", method, steps, resp.Request, req)
			}
		}
	}
}

// portrait is a response with something in every field.
func portrait(req *http.Request) *http.Response {
	return &http.Response{
		Status: "299 Quite Fine", StatusCode: 299,
		Proto: "HTTP/1.0", ProtoMajor: 1, ProtoMinor: 0,
		Header:        http.Header{"x-raw": {"1", "2"}, "Set-Cookie": {"a=1", "b=2"}, "Location": {"/elsewhere"}, "Empty": nil},
		Body:          io.NopCloser(strings.NewReader("body")),
		ContentLength: 4, TransferEncoding: []string{"x-odd"},
		Close: true, Uncompressed: true,
		Trailer: http.Header{"X-Sum": {"1"}},
		Request: req,
		TLS:     &tls.ConnectionState{ServerName: "example.test"},
	}
}

// traits describes a response without its body, a line a field.
func traits(resp *http.Response) []string {
	lines := []string{
		fmt.Sprintf("Status %d %q", resp.StatusCode, resp.Status),
		fmt.Sprintf("Proto %s %d.%d", resp.Proto, resp.ProtoMajor, resp.ProtoMinor),
		fmt.Sprintf("ContentLength %d", resp.ContentLength),
		fmt.Sprintf("TransferEncoding %q", resp.TransferEncoding),
		fmt.Sprintf("Close %t", resp.Close),
		fmt.Sprintf("Uncompressed %t", resp.Uncompressed),
		fmt.Sprintf("Trailer %q", resp.Trailer),
		fmt.Sprintf("TLS %t", resp.TLS != nil),
	}
	for name, values := range resp.Header {
		if name != "Date" {
			lines = append(lines, fmt.Sprintf("Header %s %q", name, values))
		}
	}
	return lines
}

func responseComplete(p *probe) {
	req := p.request(http.MethodGet, nil)
	resp := p.fetch(p.wrap(baseFunc(func(r *http.Request) (*http.Response, error) { return portrait(r), nil })), req)
	p.lost("the answer", traits(portrait(req)), traits(resp))
	if text, err := p.read(resp.Body); text != "body" || err != nil {
		p.fault("the body is %q, %v", text, err)
	}
}

func baseCalledOnce(p *probe) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead, http.MethodDelete} {
		var calls atomic.Int64
		p.fetch(p.wrap(Script(func(req *http.Request) (*http.Response, error) {
			calls.Add(1)
			return answer(req, http.StatusOK, "fine"), nil
		})), p.request(method, nil)).Body.Close()
		if n := calls.Load(); n != 1 {
			p.fault("a %s that was answered 200 was sent %d times", method, n)
		}
	}
}
