package rttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Script makes a base that answers by the book: the first call gets the first
// step, the second the second, and the calls after the last step get the last
// one again. No step is the same as 200. A step is one of
//
//   - an int: a response with this status and its text as the body;
//   - a string: a response 200 with this body;
//   - an error: the call fails with it;
//   - a func(*http.Request) (*http.Response, error): whatever it returns. The
//     request that it gets is a copy whose body can be read again; it need not
//     be closed.
//
// Script panics if a step is something else.
func Script(steps ...any) *Scripted {
	if len(steps) == 0 {
		steps = []any{http.StatusOK}
	}
	s := new(Scripted)
	for _, step := range steps {
		s.steps = append(s.steps, play(step))
	}
	return s
}

// A Scripted is an http.RoundTripper that answers from a list and remembers
// what it was sent. It keeps the contract: it reads each request's body to its
// end and closes it once, refuses a request without URL or header, and fails
// with the context's cause if the context is over. It is safe for concurrent
// use.
type Scripted struct {
	steps []func(*http.Request) (*http.Response, error)

	mu    sync.Mutex // guards the fields below
	sent  []Sent
	open  int
	idles int
}

// Sent is one request that a Scripted was sent.
type Sent struct {
	Request *http.Request // as it came, its body read and closed
	Body    []byte        // what was in the body
}

// RoundTrip answers with the next step.
func (s *Scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := s.receive(req)
	if err != nil {
		return nil, err
	}
	resp, err := s.note(req, body)(replayed(req, body))
	if resp == nil {
		return nil, err
	}
	// A body that can be written to is a connection, and stays what it is.
	if _, conn := resp.Body.(io.Writer); !conn && resp.Body != nil && resp.Body != http.NoBody {
		s.count(+1)
		resp.Body = &Body{Reader: resp.Body, OnClose: closing(resp.Body, func() { s.count(-1) })}
	}
	resp.Request = req
	return resp, err
}

// receive does with a request what an http.Transport does before it sends.
func (s *Scripted) receive(req *http.Request) ([]byte, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	switch {
	case req.URL == nil:
		return nil, errors.New("rttest: nil Request.URL")
	case req.Header == nil:
		return nil, errors.New("rttest: nil Request.Header")
	case req.Context().Err() != nil:
		return nil, context.Cause(req.Context())
	case req.Body == nil:
		return nil, nil
	}
	return io.ReadAll(req.Body)
}

// note remembers a request and returns the step that answers it.
func (s *Scripted) note(req *http.Request, body []byte) func(*http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, Sent{Request: req, Body: body})
	return s.steps[min(len(s.sent), len(s.steps))-1]
}

func (s *Scripted) count(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += by
}

// Sent returns the requests that came, in their order.
func (s *Scripted) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Sent(nil), s.sent...)
}

// Open returns how many bodies of responses were handed out and not closed.
func (s *Scripted) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// CloseIdleConnections counts.
func (s *Scripted) CloseIdleConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idles++
}

// IdleCloses returns how often CloseIdleConnections was called.
func (s *Scripted) IdleCloses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idles
}

func play(step any) func(*http.Request) (*http.Response, error) {
	switch step := step.(type) {
	case int:
		return func(req *http.Request) (*http.Response, error) {
			return answer(req, step, http.StatusText(step)), nil
		}
	case string:
		return func(req *http.Request) (*http.Response, error) {
			return answer(req, http.StatusOK, step), nil
		}
	case error:
		return func(*http.Request) (*http.Response, error) { return nil, step }
	case func(*http.Request) (*http.Response, error):
		return step
	}
	panic(fmt.Sprintf("rttest: a step of a script is an int, a string, an error or a func(*http.Request) (*http.Response, error), not %T", step))
}

// answer makes a response as an http.Transport would have read it.
func answer(req *http.Request, status int, body string) *http.Response {
	resp := &http.Response{
		Status:        strconv.Itoa(status) + " " + http.StatusText(status),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}
	if status == http.StatusNoContent || status == http.StatusNotModified || req.Method == http.MethodHead {
		resp.Body = http.NoBody
	}
	if resp.Body == http.NoBody && req.Method != http.MethodHead {
		resp.ContentLength = 0
	}
	return resp
}

// replayed is req with a body that can be read once more.
func replayed(req *http.Request, body []byte) *http.Request {
	again := new(http.Request)
	*again = *req
	if req.Body != nil && req.Body != http.NoBody {
		again.Body = io.NopCloser(bytes.NewReader(body))
	}
	return again
}

func closing(body io.Closer, then func()) func() {
	return func() {
		body.Close()
		then()
	}
}
