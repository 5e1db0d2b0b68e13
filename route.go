package safetrip

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

// A router is the Agent's transport: it sends each call the way of the service
// whose host it is for.
type router struct{ agent *Agent }

func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	s := r.agent.setup.Load()
	p := s.own
	if len(s.routes) > 0 && req.URL != nil {
		p = s.route(req.URL)
	}
	return p.calls.RoundTrip(req)
}

// A place is where a call goes: a host, and a port or "" for all of them.
type place struct{ host, port string }

// route returns the policy for a URL: that of its host and port, else that of
// its host.
func (s *setup) route(u *url.URL) *policy {
	at := place{hostname(u), cmp.Or(u.Port(), standardPorts[strings.ToLower(u.Scheme)])}
	return cmp.Or(s.routes[at], s.routes[place{host: at.host}], s.own)
}

// hostname returns the one way to write the host of a URL. A dot at its end
// says only that nothing is to be appended to it.
func hostname(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }

var standardPorts = map[string]string{"http": "80", "https": "443"}

// CloseIdleConnections closes what the bases keep open, those of services
// included.
func (r *router) CloseIdleConnections() {
	s := r.agent.setup.Load()
	closeIdle(s.own)
	for _, p := range s.services {
		closeIdle(p)
	}
}

func closeIdle(p *policy) {
	(&http.Client{Transport: p.calls}).CloseIdleConnections()
}
