package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// stub answers 200 at once, so that what is measured is what stands around
// it. It reads and closes the request's body, as a transport does. Its answers
// cannot be stored.
func stub(req *http.Request) (*http.Response, error) {
	if err := swallow(req); err != nil {
		return nil, err
	}
	return answer(req, http.StatusOK), nil
}

func answer(req *http.Request, status int) *http.Response {
	return &http.Response{
		StatusCode: status, Status: "stub", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: unstorable, Body: http.NoBody, Request: req,
	}
}

var unstorable = http.Header{"Cache-Control": {"no-store"}}

func swallow(req *http.Request) error {
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return err
	}
	return req.Body.Close()
}

// A caller makes what one goroutine calls again and again.
type caller func(sender) func() error

// getter sends a GET without headers.
func getter(send sender) func() error {
	return repeat(send, newRequest(http.MethodGet, "http://api.example.com/users/1?full=true", nil))
}

// richGetter sends a GET as programs do: with a context that can be canceled,
// and six headers.
func richGetter(send sender) func() error {
	ctx, cancel := context.WithCancel(context.Background())
	req := newRequest(http.MethodGet, "http://api.example.com/users/1?full=true", nil).WithContext(ctx)
	for _, name := range []string{"Accept", "Accept-Language", "Authorization", "User-Agent", "X-Request-Id", "X-Tenant"} {
		req.Header.Set(name, "value")
	}
	call := repeat(send, req)
	return func() error {
		if err := call(); err != nil {
			cancel()
			return err
		}
		return nil
	}
}

// poster returns a caller that sends a body of n bytes to url.
func poster(url string, n int) caller {
	return func(send sender) func() error {
		body := bytes.Repeat([]byte("x"), n)
		original := newRequest(http.MethodPost, url, bytes.NewReader(body))
		return func() error {
			req := *original
			var err error
			if req.Body, err = original.GetBody(); err != nil {
				return err
			}
			return once(send, &req)
		}
	}
}

func repeat(send sender, req *http.Request) func() error {
	return func() error { return once(send, req) }
}

// once sends a request and reads its answer to the end.
func once(send sender, req *http.Request) error {
	resp, err := send(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	if resp.Body == http.NoBody {
		return resp.Body.Close()
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	return resp.Body.Close()
}

// newRequest makes a request out of constants.
func newRequest(method, url string, body io.Reader) *http.Request {
	req, err := http.NewRequestWithContext(context.Background(), method, url, body)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", strings.ToUpper(method), err))
	}
	return req
}
