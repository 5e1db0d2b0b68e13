package rttest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// A request's body is closed exactly once, whoever answers: by the base if it
// was called, by the wrapper if it was not.
var closingRules = []rule{
	{"body-closed", "the request's body is closed exactly once when the base answers, whatever the status, and whether it read the body or not", memory, bodyClosed},
	{"body-closed-on-error", "the request's body is closed exactly once when the base fails", memory, bodyClosedOnError},
	{"body-closed-when-refused", "the request's body is closed exactly once when a wrapper refuses the call, as after many failures", memory, bodyClosedWhenRefused},
	{"body-closed-when-dead", "the request's body is closed exactly once when the context is over before the call", memory, bodyClosedWhenDead},
	{"copies-closed", "every body that GetBody made is closed exactly once", memory, copiesClosed},
}

// collection is a list of bodies that several goroutines may add to.
type collection struct {
	mu     sync.Mutex // guards bodies
	bodies []*Body
}

func (c *collection) add(b *Body) *Body {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies = append(c.bodies, b)
	return b
}

func (c *collection) all() []*Body {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Body(nil), c.bodies...)
}

// closedOnce waits until a body is closed, which may be after RoundTrip has
// returned, and gives up with the rule if it never is or is again.
func (p *probe) closedOnce(b *Body, format string, args ...any) {
	p.Helper()
	p.eventually(func() bool { return b.Closes() > 0 })
	if n := b.Closes(); n != 1 {
		p.fatal("%s was closed %d times", fmt.Sprintf(format, args...), n)
	}
}

// unread is a step of a base that answers before it has read the body.
func unread(status int) baseFunc {
	return func(req *http.Request) (*http.Response, error) {
		req.Body.Close()
		return answer(req, status, "enough"), nil
	}
}

func bodyClosed(p *probe) {
	bases := map[string]http.RoundTripper{
		"a base that says 200":                   Script(http.StatusOK),
		"a base that says 404":                   Script(http.StatusNotFound),
		"a base that says 503, 503, 200":         Script(http.StatusServiceUnavailable, http.StatusServiceUnavailable, http.StatusOK),
		"a base that says 413 before it reads":   unread(http.StatusRequestEntityTooLarge),
		"a base that says 401 before it reads":   unread(http.StatusUnauthorized),
		"a base that answers before it has read": unread(http.StatusOK),
	}
	for name, base := range bases {
		for _, replay := range []bool{false, true} {
			req := p.request(http.MethodPut, nil)
			body, _ := replayable(req, "body")
			if !replay {
				req.GetBody = nil
			}
			p.fetch(p.wrap(base), req).Body.Close()
			p.closedOnce(body, "with %s (GetBody there: %t) the body", name, replay)
		}
	}
}

func bodyClosedOnError(p *probe) {
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		req := p.request(method, nil)
		body, _ := replayable(req, "body")
		if resp, err := p.send(p.wrap(Script(errors.New("base failed"))), req); err == nil {
			resp.Body.Close()
		}
		p.closedOnce(body, "the body of a %s", method)
	}
}

func bodyClosedWhenRefused(p *probe) {
	base := Script(errors.New("base failed"))
	rt := p.wrap(base)
	url := "http://" + p.host() + "/"
	for call := range 40 {
		body := &Body{Reader: strings.NewReader("body")}
		req := p.requestTo(url, http.MethodPost, body)
		if resp, err := p.send(rt, req); err == nil {
			resp.Body.Close()
		}
		p.closedOnce(body, "after %d failed calls to the host the body", call)
	}
}

func bodyClosedWhenDead(p *probe) {
	body := &Body{Reader: strings.NewReader("body")}
	req := p.request(http.MethodPost, body).WithContext(p.dead())
	if resp, err := p.send(p.wrap(Script()), req); err == nil {
		resp.Body.Close()
	}
	p.closedOnce(body, "the body")
}

func copiesClosed(p *probe) {
	failed := errors.New("base failed")
	for _, base := range []http.RoundTripper{
		Script(http.StatusServiceUnavailable, http.StatusServiceUnavailable, http.StatusOK),
		Script(http.StatusServiceUnavailable),
		Script(failed),
		Script(failed, http.StatusOK),
		unread(http.StatusServiceUnavailable),
	} {
		req := p.request(http.MethodPut, nil)
		body, copies := replayable(req, "body")
		if resp, err := p.send(p.wrap(base), req); err == nil {
			resp.Body.Close()
		}
		p.closedOnce(body, "the caller's own body")
		for i, c := range copies() {
			p.closedOnce(c, "copy %d of the body", i+1)
		}
	}
}
