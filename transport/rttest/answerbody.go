package rttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing/iotest"
)

// The answer's body: it streams, it fails as it would have failed, and it is
// given back when the caller is done.
var bodyRules = []rule{
	{"response-unread", "the response's body is read by the caller: a wrapper reads nothing of it ahead", memory, responseUnread},
	{"response-closed", "closing the response's body closes the base's", memory, responseClosed},
	{"close-ends-read", "Close ends a Read that waits, and waits for nothing itself", memory, closeEndsRead},
	{"body-errors", "an error in the middle of the response's body reaches the caller, after the bytes before it", memory, bodyErrors},
	{"context-lives", "the context that the base was given lives until the body is closed, and not only until RoundTrip returns", memory, contextLives},
	{"switched-body", "the body of a 101 response can be written to", memory, switchedBody},
}

// responds makes a base that answers 200 with a body of unknown length.
func responds(body func(*http.Request) io.ReadCloser) http.RoundTripper {
	return baseFunc(func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			req.Body.Close()
		}
		resp := answer(req, http.StatusOK, "")
		resp.Body, resp.ContentLength = body(req), -1
		return resp, nil
	})
}

func responseUnread(p *probe) {
	body := &Body{Reader: strings.NewReader("body")}
	p.fetch(p.wrap(responds(func(*http.Request) io.ReadCloser { return body })), p.request(http.MethodGet, nil))
	if n := body.Reads(); n > 0 {
		p.fault("the body was read %d times before the caller began", n)
	}
}

func responseClosed(p *probe) {
	for name, use := range map[string]func(io.ReadCloser){
		"unread":    func(io.ReadCloser) {},
		"half read": func(b io.ReadCloser) { _, _ = b.Read(make([]byte, 2)) },
		"read":      func(b io.ReadCloser) { drain(b) },
	} {
		body := &Body{Reader: strings.NewReader("body")}
		resp := p.fetch(p.wrap(responds(func(*http.Request) io.ReadCloser { return body })), p.request(http.MethodGet, nil))
		p.within("reading the body", func() { use(resp.Body) })
		p.within("closing the body", func() { resp.Body.Close() })
		if !p.eventually(func() bool { return body.Closes() > 0 }) {
			p.fatal("the body was closed %s, and the base's is still open", name)
		}
		p.within("closing the body a second time", func() { resp.Body.Close() })
	}
}

// stuck is a body whose Read waits for its Close.
type stuck struct {
	reading, closed         chan struct{}
	readingOnce, closedOnce sync.Once
}

func newStuck() *stuck {
	return &stuck{reading: make(chan struct{}), closed: make(chan struct{})}
}

func (s *stuck) Read([]byte) (int, error) {
	s.readingOnce.Do(func() { close(s.reading) })
	<-s.closed
	return 0, ErrClosed
}

func (s *stuck) Close() error {
	s.closedOnce.Do(func() { close(s.closed) })
	return nil
}

func closeEndsRead(p *probe) {
	body := newStuck()
	p.Cleanup(func() { body.Close() })
	resp := p.fetch(p.wrap(responds(func(*http.Request) io.ReadCloser { return body })), p.request(http.MethodGet, nil))
	ended := make(chan error, 1)
	go func() {
		_, err := resp.Body.Read(make([]byte, 1))
		ended <- err
	}()
	p.within("waiting for the Read to reach the base's body", func() { <-body.reading })
	p.within("closing the body during a Read", func() { resp.Body.Close() })
	p.within("the Read after the Close", func() {
		if err := <-ended; err == nil {
			p.fault("the Read returned no error")
		}
	})
}

func bodyErrors(p *probe) {
	failed := errors.New("body failed")
	for _, want := range []error{failed, io.ErrUnexpectedEOF} {
		base := responds(func(*http.Request) io.ReadCloser {
			return &Body{Reader: io.MultiReader(strings.NewReader("half"), iotest.ErrReader(want))}
		})
		resp, err := p.send(p.wrap(base), p.request(http.MethodGet, nil))
		if err != nil {
			if !errors.Is(err, want) { // a wrapper that reads ahead on purpose may find out earlier
				p.fault("the body fails with %v, and RoundTrip with %v", want, err)
			}
			continue
		}
		text, err := p.read(resp.Body)
		resp.Body.Close()
		if text != "half" || !errors.Is(err, want) {
			p.fault("a body that says %q and fails with %v was read as %q, %v", "half", want, text, err)
		}
	}
}

// bound is a body that works as long as a context does.
type bound struct {
	io.Reader
	ctx context.Context
}

func (b *bound) Read(buf []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return b.Reader.Read(buf)
}

func (b *bound) Close() error { return nil }

func contextLives(p *probe) {
	base := responds(func(req *http.Request) io.ReadCloser {
		return &bound{Reader: strings.NewReader("body"), ctx: req.Context()}
	})
	resp := p.fetch(p.wrap(base), p.request(http.MethodGet, nil))
	if text, err := p.read(resp.Body); text != "body" || err != nil {
		p.fault("the body was read as %q, %v", text, err)
	}
}

// wire is a body that is also written to, like that of an upgraded connection.
type wire struct {
	Body
	written strings.Builder
}

func (w *wire) Write(b []byte) (int, error) { return w.written.Write(b) }

func switchedBody(p *probe) {
	w := new(wire)
	resp := p.fetch(p.wrap(baseFunc(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, http.StatusSwitchingProtocols, "")
		resp.Body = w
		return resp, nil
	})), p.request(http.MethodGet, nil))
	conn, ok := resp.Body.(io.Writer)
	if !ok {
		p.fatal("the body is a %T, which has no Write", resp.Body)
	}
	fmt.Fprint(conn, "ping")
	if w.written.String() != "ping" {
		p.fault("%q was written, and %q arrived", "ping", w.written.String())
	}
}
