package telemetry

import (
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// optIn is an OptIn that nobody can change any more.
type optIn struct {
	OptIn
	showsRequest  bool // there may be attributes of the request
	showsResponse bool // there may be attributes of the response
}

func (o OptIn) frozen() optIn {
	o.RequestHeaders, o.ResponseHeaders = slices.Clone(o.RequestHeaders), slices.Clone(o.ResponseHeaders)
	return optIn{
		OptIn:         o,
		showsRequest:  o.Scheme || o.UserAgent || len(o.RequestHeaders) > 0,
		showsResponse: len(o.ResponseHeaders) > 0,
	}
}

// ofRequest returns the attributes asked for that a request has.
func (o *optIn) ofRequest(req *http.Request) []attribute.KeyValue {
	var attrs []attribute.KeyValue
	if o.Scheme && req.URL.Scheme != "" {
		attrs = append(attrs, semconv.URLScheme(req.URL.Scheme))
	}
	if agent := req.UserAgent(); o.UserAgent && agent != "" {
		attrs = append(attrs, semconv.UserAgentOriginal(agent))
	}
	return append(attrs, headerAttributes("http.request.header.", o.RequestHeaders, req.Header)...)
}

// ofResponse returns the attributes asked for that a response has.
func (o *optIn) ofResponse(resp *http.Response) []attribute.KeyValue {
	if resp == nil {
		return nil
	}
	return headerAttributes("http.response.header.", o.ResponseHeaders, resp.Header)
}

func headerAttributes(prefix string, names []string, h http.Header) []attribute.KeyValue {
	var attrs []attribute.KeyValue
	for _, name := range names {
		if values := h.Values(name); len(values) > 0 {
			attrs = append(attrs, attribute.StringSlice(prefix+strings.ToLower(name), values))
		}
	}
	return attrs
}

// A peer learns from the transport which address a request was sent to.
type peer struct {
	address atomic.Pointer[netip.AddrPort]
}

// watch returns req with a context that tells p. A trace that the caller has
// in the context is told too.
func (p *peer) watch(req *http.Request) *http.Request {
	return req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if info.Conn == nil || info.Conn.RemoteAddr() == nil {
				return
			}
			if a, err := netip.ParseAddrPort(info.Conn.RemoteAddr().String()); err == nil {
				p.address.Store(&a)
			}
		},
	}))
}

// attributes returns network.peer.*, nothing if no connection was had.
func (p *peer) attributes() []attribute.KeyValue {
	a := p.address.Load()
	if a == nil {
		return nil
	}
	return []attribute.KeyValue{
		semconv.NetworkPeerAddress(a.Addr().String()),
		semconv.NetworkPeerPort(int(a.Port())),
	}
}
