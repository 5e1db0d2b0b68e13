package main

import (
	"net/http"
	"strings"

	"github.com/safetrip-go/safetrip/transport"
)

// A cacheStatus says in Cache-Status (RFC 9211) that an answer is the
// upstream's own, and why it was asked. That an answer came from the cache, or
// stands in for the upstream's, the kit has said already.
type cacheStatus struct{ cache string }

// forwarded is told of every answer that goes to a client.
func (s cacheStatus) forwarded(resp *http.Response) error {
	why := s.why(resp.Request)
	if why == "" || resp.StatusCode == http.StatusSwitchingProtocols || saidByTheKit(resp.Header["Cache-Status"]) {
		return nil
	}
	resp.Header.Add("Cache-Status", "safetrip; fwd="+why)
	return nil
}

// saidByTheKit looks at the last member: nobody else's has that name by now.
func saidByTheKit(lines []string) bool {
	return len(lines) > 0 && strings.HasPrefix(lines[len(lines)-1], "safetrip;")
}

// why returns the reason in the words of RFC 9211, section 2.2, or "" if there
// is no cache.
func (s cacheStatus) why(r *http.Request) string {
	n, _ := r.Context().Value(noteKey{}).(*note)
	switch {
	case s.cache == cacheOff:
		return ""
	case s.cache == cacheFallback:
		return "bypass"
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return "method"
	case n != nil && n.conditional && !conditional(r.Header):
		return "stale"
	}
	return "miss"
}

// A note is what is remembered of a request on its way: whether the cache added
// a condition to it.
type note struct{ conditional bool }

type noteKey struct{}

// noteConditions is a layer around each attempt.
func noteConditions(next http.RoundTripper) http.RoundTripper {
	return transport.Func(func(req *http.Request) (*http.Response, error) {
		if n, ok := req.Context().Value(noteKey{}).(*note); ok && conditional(req.Header) {
			n.conditional = true
		}
		return next.RoundTrip(req)
	})
}

func conditional(h http.Header) bool {
	return h["If-None-Match"] != nil || h["If-Modified-Since"] != nil
}
