// Package layer holds what every wrapper of the kit embeds.
package layer

import (
	"errors"
	"net/http"
)

// ErrNoResponse is what a call returns when the RoundTripper below broke its
// contract and returned neither a response nor an error.
var ErrNoResponse = errors.New("transport: the RoundTripper below returned neither a response nor an error")

// A Layer is one skin of the onion: it knows the RoundTripper below it.
type Layer struct{ Next http.RoundTripper }

// Send passes req to the RoundTripper below and holds that one to its
// contract: what comes back is a response or an error, never both, never
// neither.
func (l Layer) Send(req *http.Request) (*http.Response, error) {
	resp, err := l.Next.RoundTrip(req)
	if (resp == nil) == (err == nil) {
		return oneOf(resp, err)
	}
	return resp, err
}

func oneOf(resp *http.Response, err error) (*http.Response, error) {
	if resp == nil {
		return nil, ErrNoResponse
	}
	if resp.Body != nil {
		resp.Body.Close()
	}
	return nil, err
}

// CloseIdleConnections forwards to the RoundTripper below, so that
// [http.Client.CloseIdleConnections] reaches the pool through any number of
// layers.
func (l Layer) CloseIdleConnections() { CloseIdle(l.Next) }

// CloseIdle calls rt's CloseIdleConnections if it has one.
func CloseIdle(rt http.RoundTripper) {
	if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// CloseBody closes the body of a request that is not going to be sent, as the
// RoundTripper contract asks of whoever refuses it.
func CloseBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
