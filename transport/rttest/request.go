package rttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The request on its way in: what the caller handed over is not touched, and
// what the caller wrote into it reaches the base.
var requestRules = []rule{
	{"request-unchanged", "the request is the caller's: its fields, its URL, its headers and its body are the same before, during and after the call", memory, requestUnchanged},
	{"request-complete", "method, URL, Host, Close, RequestURI, lengths and headers, even with names in no canonical form, reach the base as the caller wrote them", memory, requestComplete},
	{"context-values", "the base sees the values of the caller's context", memory, contextValues},
	{"trailers-set-late", "trailers that are set while the body is read reach the base: a copy of the request shares the caller's Trailer", memory, trailersSetLate},
	{"no-body", "a request without a body stays one: nil stays nil, and http.NoBody stays http.NoBody", memory, noBody},
	{"body-as-it-is", "a body that GetBody can make again need not be wrapped, and reaches the base as the value that it is, so that ReadFrom and sendfile work", memory, bodyAsItIs},
	{"get-body", "GetBody reaches the base, which needs it where a kept connection turns out to be dead", memory, getBody},
	{"body-unread", "the request's body is read by the base alone: a wrapper reads nothing ahead", memory, bodyUnread},
	{"nil-url", "a request without URL is an error, not a panic, and its body is closed", memory, nilURL},
	{"nil-header", "a request without Header panics nobody, and its body is closed", memory, nilHeader},
}

// baseFunc is a base in one function.
type baseFunc func(*http.Request) (*http.Response, error)

func (f baseFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// photograph describes what a caller can see of a request, a line a field.
func photograph(req *http.Request) []string {
	return []string{
		fmt.Sprintf("Method %q", req.Method),
		fmt.Sprintf("URL %p %+v", req.URL, *req.URL),
		fmt.Sprintf("Proto %s %d.%d", req.Proto, req.ProtoMajor, req.ProtoMinor),
		fmt.Sprintf("Header %p %q", req.Header, req.Header),
		fmt.Sprintf("Body %T %p", req.Body, req.Body),
		fmt.Sprintf("GetBody %p", req.GetBody),
		fmt.Sprintf("ContentLength %d", req.ContentLength),
		fmt.Sprintf("TransferEncoding %q", req.TransferEncoding),
		fmt.Sprintf("Close %t", req.Close),
		fmt.Sprintf("Host %q", req.Host),
		fmt.Sprintf("Form %p %p %p", req.Form, req.PostForm, req.MultipartForm),
		fmt.Sprintf("Trailer %p %q", req.Trailer, req.Trailer),
		fmt.Sprintf("RemoteAddr %q", req.RemoteAddr),
		fmt.Sprintf("RequestURI %q", req.RequestURI),
		fmt.Sprintf("Response %p", req.Response),
		fmt.Sprintf("Pattern %q", req.Pattern),
	}
}

// changed tells two photographs apart; it is empty if they are the same.
func changed(before, after []string) string {
	for i, line := range before {
		if after[i] != line {
			return fmt.Sprintf("%s became %s", line, after[i])
		}
	}
	return ""
}

func requestUnchanged(p *probe) {
	for _, step := range []any{http.StatusOK, http.StatusServiceUnavailable, errors.New("base failed")} {
		req := p.request(http.MethodPut, strings.NewReader("body"))
		req.Header = http.Header{"x-raw": {"1"}, "Accept": {"a", "b"}, "Empty": nil}
		req.Trailer = http.Header{"X-Sum": {"1"}}
		before := photograph(req)
		script := Script(step)
		base := baseFunc(func(r *http.Request) (*http.Response, error) {
			if diff := changed(before, photograph(req)); diff != "" {
				p.fault("during the call, %s", diff)
			}
			return script.RoundTrip(r)
		})
		resp, err := p.send(p.wrap(base), req)
		if err == nil {
			resp.Body.Close()
		}
		if diff := changed(before, photograph(req)); diff != "" {
			p.fault("after the call (the base says %v), %s", step, diff)
		}
	}
}

func requestComplete(p *probe) {
	requests := map[string]func(*http.Request){
		"raw headers": func(r *http.Request) {
			r.Header = http.Header{"x-RAW": {"1", "2"}, "X-Raw": {"3"}, "User-Agent": {""}, "Accept-Encoding": nil}
		},
		"Host":             func(r *http.Request) { r.Host = "elsewhere.test" },
		"Close":            func(r *http.Request) { r.Close = true },
		"RequestURI":       func(r *http.Request) { r.RequestURI = "/path?query=1" },
		"method":           func(r *http.Request) { r.Method = "PURGE" },
		"empty method":     func(r *http.Request) { r.Method = "" },
		"opaque URL":       func(r *http.Request) { r.URL.Opaque = "//" + r.URL.Host + "/%2f" },
		"escaped URL":      func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/a/b", "/a%2Fb" },
		"TransferEncoding": func(r *http.Request) { r.TransferEncoding = []string{"identity"} },
		"unknown length":   func(r *http.Request) { r.ContentLength = -1 },
		"trailer":          func(r *http.Request) { r.Trailer = http.Header{"X-Sum": {"1"}} },
	}
	for name, edit := range requests {
		req := p.request(http.MethodPut, strings.NewReader("body"))
		edit(req)
		script := Script()
		p.fetch(p.wrap(script), req)
		if len(script.Sent()) == 0 {
			p.fatal("%s: the base was not called", name)
		}
		for _, diff := range incomplete(req, script.Sent()[0].Request) {
			p.fault("%s: %s", name, diff)
		}
	}
}

// incomplete says what got lost between the caller and the base. A wrapper may
// add headers of its own.
func incomplete(sent, got *http.Request) []string {
	var all []string
	compare := func(what string, sent, got any) {
		if a, b := fmt.Sprintf("%q", sent), fmt.Sprintf("%q", got); a != b {
			all = append(all, fmt.Sprintf("%s was %s, and %s at the base", what, a, b))
		}
	}
	if got.URL == nil {
		return []string{"URL is nil at the base"}
	}
	compare("Method", sent.Method, got.Method)
	compare("URL", sent.URL.String(), got.URL.String())
	compare("Host", sent.Host, got.Host)
	compare("Close", fmt.Sprint(sent.Close), fmt.Sprint(got.Close))
	compare("RequestURI", sent.RequestURI, got.RequestURI)
	compare("ContentLength", fmt.Sprint(sent.ContentLength), fmt.Sprint(got.ContentLength))
	compare("TransferEncoding", sent.TransferEncoding, got.TransferEncoding)
	compare("Trailer", sent.Trailer, got.Trailer)
	for name, values := range sent.Header {
		if there, ok := got.Header[name]; !ok || !slices.Equal(values, there) {
			compare("Header "+name, values, there)
			if !ok && values == nil {
				all = append(all, "Header "+name+" was there without a value, and is not at the base")
			}
		}
	}
	return all
}

func contextValues(p *probe) {
	type key struct{}
	script := Script()
	req := p.request(http.MethodGet, nil)
	p.fetch(p.wrap(script), req.WithContext(context.WithValue(p.Context(), key{}, "here")))
	for _, sent := range script.Sent() {
		if got := sent.Request.Context().Value(key{}); got != "here" {
			p.fault("the value in the base's context is %v", got)
		}
	}
}

func trailersSetLate(p *probe) {
	req := p.request(http.MethodPost, nil)
	body := &lateTrailer{Reader: strings.NewReader("body"), trailer: http.Header{"X-Sum": nil}}
	req.Body, req.ContentLength, req.Trailer = body, -1, body.trailer
	script := Script()
	p.fetch(p.wrap(script), req)
	for _, sent := range script.Sent() {
		if got := sent.Request.Trailer.Get("X-Sum"); got != "late" {
			p.fault("the base has read the body, and sees the trailer %q", sent.Request.Trailer)
		}
	}
}

// lateTrailer is a body that knows its trailer only at its end.
type lateTrailer struct {
	io.Reader
	trailer http.Header
}

func (b *lateTrailer) Read(buf []byte) (int, error) {
	n, err := b.Reader.Read(buf)
	if err == io.EOF {
		b.trailer.Set("X-Sum", "late")
	}
	return n, err
}

func (b *lateTrailer) Close() error { return nil }

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
