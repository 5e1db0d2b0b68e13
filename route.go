package safetrip

import (
	"net/http"
	"net/url"
	"strings"
)

// A router is the Agent's transport: it sends each call the way of the service
// whose host it is for.
type router struct{ *Agent }

func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	s := r.setup.Load()
	p := s.own
	if len(s.routes) > 0 && req.URL != nil {
		p = s.route(req.URL)
	}
	return p.calls.RoundTrip(req)
}

// route returns the policy for a URL: that of its host and port, else that of
// its host.
func (s *setup) route(u *url.URL) *policy {
	if p := s.routes[strings.ToLower(u.Host)]; p != nil {
		return p
	}
	if p := s.routes[strings.ToLower(u.Hostname())]; p != nil {
		return p
	}
	return s.own
}

// CloseIdleConnections closes what the bases keep open, those of services
// included.
func (r *router) CloseIdleConnections() {
	s := r.setup.Load()
	closeIdle(s.own)
	for _, p := range s.services {
		closeIdle(p)
	}
}

func closeIdle(p *policy) {
	(&http.Client{Transport: p.calls}).CloseIdleConnections()
}
