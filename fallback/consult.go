package fallback

import (
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/internal/layer"
	"github.com/safetrip-go/safetrip/transport"
)

// consult answers from what is stored where that may be done without asking,
// and asks otherwise: about a stale response with a conditional request, if it
// can.
func (c *caching) consult(req *http.Request) (*http.Response, error) {
	a := c.read(req)
	var e *entry
	if a.cachable() {
		if e = c.find(&a); e == nil {
			c.misses.Add(1)
		}
	}
	if resp := c.serveUnasked(&a, e); resp != nil {
		return resp, nil
	}
	switch {
	case a.onlyIfCached:
		layer.CloseBody(req)
		return gatewayTimeout(req), nil
	case c.Coalesce && a.cachable() && req.Method != http.MethodHead: // from which the others would have nothing
		return c.share(&a, e)
	}
	return c.validate(&a, e, nil)
}

// serveUnasked returns e as an answer to a if that needs no asking.
func (c *caching) serveUnasked(a *asking, e *entry) *http.Response {
	if e == nil {
		return nil
	}
	kept, ok := e.kept(time.Now())
	if !ok {
		return nil
	}
	switch e.uses(e.age+kept, a.control) {
	case useFresh, useStale:
	case useWhileAsking:
		if !c.revalidateLater(a, e) {
			return nil
		}
	default:
		return nil
	}
	layer.CloseBody(a.Request)
	return c.serve(a, e, e.age+kept, facts{})
}

// validate sends req, as a question whether e still holds if it is one that
// can be asked about. A request that has conditions of its own goes out as it
// is, and gets what the service answers.
func (c *caching) validate(a *asking, e *entry, done func(outcome)) (*http.Response, error) {
	m := c.mark()
	out := a.Request
	if e != nil && c.ServeFresh && !a.conditional && !a.special {
		out = e.question(a.Request)
	}
	resp, err := c.Send(out)
	if err != nil {
		return nil, err
	}
	if out == a.Request {
		return c.keep(a.Request, resp, m, done), nil
	}
	if resp.StatusCode != http.StatusNotModified {
		c.keep(a.Request, resp, m, done)
		resp.Request = a.Request
		return resp, nil
	}
	transport.Discard(resp)
	if !e.confirmedBy(resp.Header) { // it was another representation that has not changed
		c.forget(a)
		return c.validate(a, nil, done)
	}
	fresh := c.refreshEntry(a, e, resp, m, done)
	answer := c.serve(a, fresh, fresh.age, facts{why: fwdStale, status: http.StatusNotModified})
	for _, name := range [...]string{"Set-Cookie", "Authentication-Info"} { // they are for this caller, now
		if values := resp.Header[name]; values != nil {
			answer.Header[name] = values
		}
	}
	return answer, nil
}

// question returns a copy of req that asks for e to be confirmed, or req itself
// if e has nothing to be recognized by.
func (e *entry) question(req *http.Request) *http.Request {
	etag, modified := e.validator()
	if etag == "" && modified == "" {
		return req
	}
	out := *req
	if out.Header = req.Header.Clone(); out.Header == nil {
		out.Header = make(http.Header, 2)
	}
	if etag != "" {
		out.Header["If-None-Match"] = []string{etag}
	}
	if modified != "" {
		out.Header["If-Modified-Since"] = []string{modified}
	}
	return &out
}

// gatewayTimeout is what a request gets that must not be sent and cannot be
// answered: RFC 9111, section 5.2.1.7.
func gatewayTimeout(req *http.Request) *http.Response {
	return complete(&http.Response{
		StatusCode: http.StatusGatewayTimeout,
		Header:     http.Header{"Cache-Status": {ourName + "; detail=only-if-cached"}},
	}, req)
}
