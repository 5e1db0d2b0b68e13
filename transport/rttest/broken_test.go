package rttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

type middleware = func(http.RoundTripper) http.RoundTripper

// broken is a set of wrappers that break one rule on purpose; the key says how.
type broken map[string]middleware

// brokenWrappers has at least one wrapper for each rule.
var brokenWrappers = func() map[string]broken {
	all := make(map[string]broken)
	for _, some := range []map[string]broken{
		brokenRequest, brokenClosing, brokenAnswer, brokenBody, brokenFailure, brokenClient, brokenCalm, brokenConnection,
	} {
		maps.Copy(all, some)
	}
	return all
}()

// A rule that no broken wrapper trips is not a rule.
func TestBrokenWrappersTripTheirRule(t *testing.T) {
	suite := Suite{short: true, patience: 300 * time.Millisecond}
	for _, r := range rules {
		if len(brokenWrappers[r.name]) == 0 {
			t.Errorf("%s: there is no wrapper that breaks it", r.name)
		}
		for _, how := range slices.Sorted(maps.Keys(brokenWrappers[r.name])) {
			t.Run(r.name+"/"+how, func(t *testing.T) {
				if !slices.ContainsFunc(sizeRules, func(s rule) bool { return s.name == r.name }) {
					t.Parallel() // what the others allocate would be counted
				}
				found := suite.check(r, brokenWrappers[r.name][how])
				if len(found) == 0 {
					t.Error("the rule found nothing")
				}
				for _, v := range found {
					t.Log(v.Found)
					if v.Rule != r.name || !strings.Contains(v.Found, r.sentence) {
						t.Errorf("the rule failed without its sentence: %s: %s", v.Rule, v.Found)
					}
				}
			})
		}
	}
	for name := range brokenWrappers {
		if !slices.ContainsFunc(rules, func(r rule) bool { return r.name == name }) {
			t.Errorf("a wrapper breaks %s, which is no rule", name)
		}
	}
}

// forever is what the worst wrappers wait for.
var forever = make(chan struct{})

func TestMain(m *testing.M) {
	defer close(forever)
	m.Run()
}

// wrapped makes a wrapper of a function, one that passes CloseIdleConnections
// on.
func wrapped(f func(next http.RoundTripper, req *http.Request) (*http.Response, error)) middleware {
	return func(next http.RoundTripper) http.RoundTripper { return layer{next, f} }
}

type layer struct {
	next http.RoundTripper
	f    func(http.RoundTripper, *http.Request) (*http.Response, error)
}

func (l layer) RoundTrip(req *http.Request) (*http.Response, error) { return l.f(l.next, req) }

func (l layer) CloseIdleConnections() {
	if next, ok := l.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// before changes the request that the base gets, which is a shallow copy.
func before(change func(*http.Request)) middleware {
	return wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		inner := new(http.Request)
		*inner = *req
		change(inner)
		resp, err := next.RoundTrip(inner)
		if resp != nil {
			resp.Request = req
		}
		return resp, err
	})
}

// after changes what the base answered.
func after(change func(*http.Response)) middleware {
	return wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if resp != nil {
			change(resp)
		}
		return resp, err
	})
}

// failing changes the error of the base.
func failing(change func(error) error) middleware {
	return wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err != nil {
			err = change(err)
		}
		return resp, err
	})
}

// The sins that several rules forbid.
var (
	detached    = before(func(r *http.Request) { *r = *r.WithContext(context.WithoutCancel(r.Context())) })
	blank       = before(func(r *http.Request) { *r = *r.WithContext(context.Background()) })
	cloned      = before(func(r *http.Request) { *r = *r.Clone(r.Context()) })
	textOnly    = failing(func(err error) error { return errors.New("call: " + err.Error()) })
	covered     = failing(func(err error) error { return fmt.Errorf("call: %w", err) })
	hungryIn    = before(func(r *http.Request) { r.Body = rebuffered(r.Body) })
	hungryOut   = after(func(r *http.Response) { r.Body = rebuffered(r.Body) })
	hidden      = after(func(r *http.Response) { r.Body = struct{ io.ReadCloser }{r.Body} })
	closeless   = after(func(r *http.Response) { r.Body = io.NopCloser(r.Body) })
	shortIsFine = after(func(r *http.Response) { r.Body = forgiving{r.Body} })
	badGateway  = wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if resp == nil {
			return answer(req, http.StatusBadGateway, err.Error()), nil
		}
		return resp, nil
	})
	resending = func(discard func(*http.Response)) middleware {
		return wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			for range 2 {
				if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
					break
				}
				discard(resp)
				resp, err = next.RoundTrip(req)
			}
			return resp, err
		})
	}
)

func rebuffered(body io.ReadCloser) io.ReadCloser {
	if body == nil {
		return nil
	}
	defer body.Close()
	all, _ := io.ReadAll(body)
	return io.NopCloser(strings.NewReader(string(all)))
}

// forgiving is a body that takes every error for its end.
type forgiving struct{ io.ReadCloser }

func (f forgiving) Read(buf []byte) (int, error) {
	n, err := f.ReadCloser.Read(buf)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

var errBroken = errors.New("broken wrapper")
