package fallback_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// An origin is a base that answers as it is told and remembers what it was
// asked.
type origin struct {
	mu     sync.Mutex
	answer func(*http.Request) (*http.Response, error)
	asked  []*http.Request
	closed int // bodies
}

func (o *origin) RoundTrip(req *http.Request) (*http.Response, error) {
	o.mu.Lock()
	o.asked = append(o.asked, req)
	answer := o.answer
	o.mu.Unlock()
	if req.Body != nil {
		toEnd(req.Body)
		req.Body.Close()
	}
	resp, err := answer(req)
	if resp != nil && resp.Request == nil {
		resp.Request = req
	}
	if resp != nil && resp.Body != nil {
		resp.Body = &closeCounter{ReadCloser: resp.Body, o: o}
	}
	return resp, err
}

type closeCounter struct {
	io.ReadCloser
	o    *origin
	once sync.Once
}

func (c *closeCounter) Close() error {
	c.once.Do(func() {
		c.o.mu.Lock()
		c.o.closed++
		c.o.mu.Unlock()
	})
	return c.ReadCloser.Close()
}

func (o *origin) calls() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.asked)
}

func (o *origin) last() *http.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[len(o.asked)-1]
}

// says makes the origin answer with a status, header lines and a body.
func (o *origin) says(status int, lines, body string) {
	o.does(func(req *http.Request) (*http.Response, error) { return response(req, status, lines, body), nil })
}

func (o *origin) does(f func(*http.Request) (*http.Response, error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = f
}

var errDown = errors.New("down")

// dies makes every call fail as a refused connection does.
func (o *origin) dies() {
	o.does(func(*http.Request) (*http.Response, error) { return nil, io.EOF })
}

// response makes a response with a Date, unless the lines have one; "Date: -"
// stands for none.
func response(req *http.Request, status int, lines, body string) *http.Response {
	h := header(lines)
	switch h.Get("Date") {
	case "":
		h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	case "-":
		h.Del("Date")
	}
	resp := &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
	if req.Method == http.MethodHead || status == 304 {
		resp.Body = http.NoBody
	}
	return resp
}

// header reads lines that are separated by |. A value that is "+1h" or "-1h" is
// a date so far from now.
func header(lines string) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(lines, "|") {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		if d, err := time.ParseDuration(value); err == nil && (value[0] == '+' || value[0] == '-') {
			value = time.Now().Add(d).UTC().Format(http.TimeFormat)
		}
		name = strings.TrimSpace(name)
		if strings.ToLower(name) == name { // a spelling of its own
			h[name] = append(h[name], value)
			continue
		}
		h.Add(name, value)
	}
	return h
}

func request(tb testing.TB, method, url, lines string) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header = header(lines)
	return req
}

// get calls and reads the answer to its end.
func get(tb testing.TB, rt http.RoundTripper, url, lines string) (*http.Response, string) {
	tb.Helper()
	return do(tb, rt, request(tb, http.MethodGet, url, lines))
}

func do(tb testing.TB, rt http.RoundTripper, req *http.Request) (*http.Response, string) {
	tb.Helper()
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, "error: " + err.Error()
	}
	if resp.Request != req {
		tb.Errorf("the response's Request is not the caller's")
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Errorf("reading the body: %v", err)
	}
	resp.Body.Close()
	if resp.ContentLength >= 0 && req.Method != http.MethodHead && resp.ContentLength != int64(len(body)) {
		tb.Errorf("ContentLength is %d, the body has %d bytes", resp.ContentLength, len(body))
	}
	return resp, string(body)
}

// stack is a Ladder around a Cache around an origin.
type stack struct {
	http.RoundTripper
	*origin
	cache  *fallback.Cache
	ladder *fallback.Ladder
}

func newStack(cache *fallback.Cache, steps ...fallback.Step) *stack {
	if cache == nil {
		cache = new(fallback.Cache)
	}
	o := new(origin)
	l := &fallback.Ladder{Name: "test", Steps: append([]fallback.Step{cache.Step()}, steps...)}
	return &stack{transport.Chain(o, l.Wrap, cache.Wrap), o, cache, l}
}

// RoundTrip is the chain's, not the origin's.
func (s *stack) RoundTrip(req *http.Request) (*http.Response, error) {
	return s.RoundTripper.RoundTrip(req)
}

var secret = bytes.Repeat([]byte("s"), 32)

// toEnd reads r to its end, whatever that is.
func toEnd(r io.Reader) { _, _ = io.Copy(io.Discard, r) }
