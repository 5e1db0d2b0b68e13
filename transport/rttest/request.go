package rttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
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
		"Body " + identify(req.Body),
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

// identify names a body so that another one has another name.
func identify(body io.ReadCloser) string {
	if reflect.ValueOf(body).Kind() == reflect.Pointer {
		return fmt.Sprintf("%T %p", body, body)
	}
	return fmt.Sprintf("%T", body)
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
		req := p.request(http.MethodPut, nil)
		replayable(req, "body")
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
