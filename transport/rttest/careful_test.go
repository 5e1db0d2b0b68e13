package rttest

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// The rules are fair: wrappers that do much, and do it with care, pass them.

func TestCarefulRetry(t *testing.T) {
	Test(t, careful)
}

func TestCarefulRetryHTTP2(t *testing.T) {
	Suite{HTTP2: true}.Run(t, careful)
}

func TestCarefulDeadline(t *testing.T) {
	Test(t, bounded)
}

func TestCarefulPairs(t *testing.T) {
	Suite{Memory: true}.Run(t, func(next http.RoundTripper) http.RoundTripper { return careful(bounded(next)) })
	Suite{Memory: true}.Run(t, func(next http.RoundTripper) http.RoundTripper { return bounded(careful(next)) })
}

// careful sends requests that can be sent again up to three times, and waits a
// second for a server that asks for it.
var careful = wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	attempt := req
	for n := 1; ; n++ {
		resp, err := next.RoundTrip(attempt)
		if resp != nil {
			resp.Request = req
		}
		if n == 3 || !worthwhile(req, resp, err) {
			return resp, err
		}
		again, ok := another(req)
		if !ok {
			return resp, err
		}
		if resp != nil && resp.Header.Get("Retry-After") != "" {
			select {
			case <-time.After(time.Hour):
			case <-req.Context().Done():
				again.close()
				return resp, err
			}
		}
		if resp != nil {
			discard(resp.Body)
		}
		attempt = again.Request
	}
})

func worthwhile(req *http.Request, resp *http.Response, err error) bool {
	if req.Method == http.MethodPost || req.URL == nil || req.Context().Err() != nil {
		return false
	}
	return err != nil || resp != nil && resp.StatusCode == http.StatusServiceUnavailable
}

type copied struct{ *http.Request }

func (c copied) close() {
	if c.Body != nil {
		c.Body.Close()
	}
}

// another makes the request of the next attempt, if there can be one.
func another(req *http.Request) (copied, bool) {
	again := new(http.Request)
	*again = *req
	if req.Body == nil || req.Body == http.NoBody {
		return copied{again}, true
	}
	if req.GetBody == nil {
		return copied{}, false
	}
	var err error
	again.Body, err = req.GetBody()
	return copied{again}, err == nil
}

// discard reads a body so that its connection can be used again, but neither
// much of it nor for long.
func discard(body io.ReadCloser) {
	if body == nil {
		return
	}
	giveUp := time.AfterFunc(50*time.Millisecond, func() { body.Close() })
	defer giveUp.Stop()
	drain(io.LimitReader(body, 64<<10+1))
	body.Close()
}

// bounded gives each call a minute, and keeps its context until the body ends.
var bounded = wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), time.Minute)
	inner := req.WithContext(ctx)
	ended := false
	defer func() {
		if !ended {
			cancel()
		}
	}()
	resp, err := next.RoundTrip(inner)
	if resp == nil {
		return nil, err
	}
	resp.Request = req
	if resp.Body == nil {
		return resp, err
	}
	ended = true
	hook := &ending{ReadCloser: resp.Body, end: sync.OnceFunc(cancel)}
	resp.Body = hook
	if w, ok := hook.ReadCloser.(io.Writer); ok {
		resp.Body = struct {
			io.ReadCloser
			io.Writer
		}{hook, w}
	}
	return resp, err
})

// ending is a body that knows when it was closed, or ended.
type ending struct {
	io.ReadCloser
	end func()
}

func (e *ending) Read(buf []byte) (int, error) {
	n, err := e.ReadCloser.Read(buf)
	if err != nil {
		e.end()
	}
	return n, err
}

func (e *ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}
