package transport

import (
	"net/http"
	"slices"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// Middleware is what the kit's wrappers and everybody else's have in common.
// It is an alias, so that any function of this form fits a [Chain] as it is.
type Middleware = func(http.RoundTripper) http.RoundTripper

// Func makes an [http.RoundTripper] of a function.
type Func func(*http.Request) (*http.Response, error)

// RoundTrip calls f(req).
func (f Func) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Chain puts the wrappers around base. The first one listed is the outermost:
// it sees a request first and its response last. If base is nil, it is
// [http.DefaultTransport]; nil wrappers are passed over.
//
// What concerns the call stands before what concerns one attempt; the package
// comment has the whole order and its reasons.
//
// The result's CloseIdleConnections calls that of the outermost wrapper and
// that of base, so that a wrapper that swallows it does no harm.
func Chain(base http.RoundTripper, wrappers ...Middleware) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	rt := base
	for _, wrap := range slices.Backward(wrappers) {
		if wrap != nil {
			rt = wrap(rt)
		}
	}
	return &chain{rt, base}
}

type chain struct{ outer, base http.RoundTripper }

func (c *chain) RoundTrip(req *http.Request) (*http.Response, error) {
	return c.outer.RoundTrip(req)
}

func (c *chain) CloseIdleConnections() {
	layer.CloseIdle(c.outer)
	layer.CloseIdle(c.base)
}
