package rttest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// The request's body reaches the base as it is, and a request that is not in
// order harms nobody.
var requestBodyRules = []rule{
	{"no-body", "a request without a body stays one: nil stays nil, and http.NoBody stays http.NoBody", memory, noBody},
	{"body-as-it-is", "a body that GetBody can make again need not be wrapped, and reaches the base as the value that it is, so that ReadFrom and sendfile work", memory, bodyAsItIs},
	{"get-body", "GetBody reaches the base, which needs it where a kept connection turns out to be dead", memory, getBody},
	{"body-unread", "the request's body is read by the base alone: a wrapper reads nothing ahead", memory, bodyUnread},
	{"nil-url", "a request without URL is an error, not a panic, and its body is closed", memory, nilURL},
	{"nil-header", "a request without Header panics nobody, and its body is closed", memory, nilHeader},
}

func noBody(p *probe) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			req := p.request(method, nil)
			req.Body = body
			script := Script()
			p.fetch(p.wrap(script), req)
			for _, sent := range script.Sent() {
				if sent.Request.Body != body {
					p.fault("the body of a %s was %T, and is %T at the base", method, body, sent.Request.Body)
				}
			}
		}
	}
}

// replayable gives a request a body and a GetBody that makes copies of it.
func replayable(req *http.Request, text string) (body *Body, copies func() []*Body) {
	made := new(collection)
	body = &Body{Reader: strings.NewReader(text)}
	req.Body, req.ContentLength = body, int64(len(text))
	req.GetBody = func() (io.ReadCloser, error) { return made.add(&Body{Reader: strings.NewReader(text)}), nil }
	return body, made.all
}

func bodyAsItIs(p *probe) {
	req := p.request(http.MethodPut, nil)
	body, _ := replayable(req, "body")
	script := Script()
	p.fetch(p.wrap(script), req)
	if got := script.Sent()[0].Request.Body; got != body {
		p.fault("the caller's body was a %T, and is a %T at the base", body, got)
	}
}

func getBody(p *probe) {
	req := p.request(http.MethodPut, nil)
	replayable(req, "body")
	script := Script()
	p.fetch(p.wrap(script), req)
	if script.Sent()[0].Request.GetBody == nil {
		p.fault("GetBody is nil at the base")
	}
}

func bodyUnread(p *probe) {
	for _, replay := range []bool{false, true} {
		req := p.request(http.MethodPost, nil)
		body, copies := replayable(req, "body")
		if !replay {
			req.GetBody, req.ContentLength = nil, -1
		}
		p.fetch(p.wrap(baseFunc(func(r *http.Request) (*http.Response, error) {
			r.Body.Close()
			return answer(r, http.StatusOK, "did not look"), nil
		})), req)
		for _, b := range append(copies(), body) {
			if b.Reads() > 0 {
				p.fault("the base read nothing, and the body was read %d times (GetBody there: %t)", b.Reads(), replay)
			}
		}
	}
}

func nilURL(p *probe) {
	for _, u := range []*url.URL{nil, {}, {Opaque: "x", Scheme: "mailto"}, {Host: p.host()}} {
		body := new(Body)
		req := &http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}, Body: body}
		resp, err := p.send(p.wrap(Script()), req)
		if err == nil {
			resp.Body.Close()
		}
		if err == nil && u == nil {
			p.fault("a request without URL was answered %s", resp.Status)
		}
		p.closedOnce(body, "the body of a request with URL %v", u)
	}
}

func nilHeader(p *probe) {
	req := p.request(http.MethodPost, nil)
	body := new(Body)
	req.Body, req.Header = body, nil
	if resp, err := p.send(p.wrap(Script()), req); err == nil {
		resp.Body.Close()
	}
	p.closedOnce(body, "the body of a request without Header")
}
