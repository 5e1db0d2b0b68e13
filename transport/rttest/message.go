package rttest

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"
)

// A message over a connection: its framing is as without the wrapper.
var messageRules = []rule{
	{"lengths", "Content-Length, Transfer-Encoding and the body's end are as without the wrapper", sockets, lengths},
	{"head", "a HEAD has the length of what a GET would bring, and no body", sockets, head},
	{"no-content", "204 and 304 have no body, and are answers like others", sockets, noContent},
	{"gzip", "a compressed answer is decoded, or left alone, as without the wrapper, and Uncompressed says which", sockets, gzipDecoded},
	{"response-trailers", "the response's trailers are there once its body is read, announced or not", sockets, responseTrailers},
	{"request-trailers", "the request's trailers arrive at the server", sockets, requestTrailers},
	{"informational", "1xx answers, such as 103 Early Hints, reach the caller's httptrace hooks", sockets, informational},
	{"httptrace", "the caller's httptrace hooks fire as without the wrapper", sockets, traced},
	{"tls", "Response.TLS is that of the connection", sockets, tlsKept},
	{"http2", "HTTP/2 stays HTTP/2: many calls share one connection", sockets, http2Shared},
	{"reverse-proxy", "a server's request that is passed on, RequestURI and all, arrives", sockets, passedOn},
}

func lengths(p *probe) {
	p.asAnswered(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "4")
		io.WriteString(w, "body")
	})
	p.asAnswered(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		say(w, "begun")
		io.WriteString(w, " and ended")
	})
	p.asAnswered(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {})
	p.asAnswered(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "body")
	})
}

func head(p *probe) {
	p.asAnswered(http.MethodHead, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "4000")
	})
	p.asAnswered(http.MethodHead, func(w http.ResponseWriter, r *http.Request) {})
}

func noContent(p *probe) {
	for _, status := range []int{http.StatusNoContent, http.StatusNotModified} {
		p.asAnswered(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"1"`)
			w.WriteHeader(status)
		})
	}
}

func gzipDecoded(p *probe) {
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Asked", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, strings.Repeat("body ", 100))
		z.Close()
	})
	for _, asked := range []string{"", "gzip"} {
		p.asBare("Accept-Encoding: "+asked, s.base, p.call(func() *http.Request {
			req := p.get(s, "")
			if asked != "" {
				req.Header.Set("Accept-Encoding", asked)
			}
			return req
		}))
	}
}

func responseTrailers(p *probe) {
	p.asAnswered(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Announced")
		say(w, "body")
		w.Header().Set("X-Announced", "1")
	})
	p.asAnswered(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		say(w, "body")
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "1")
	})
}

func requestTrailers(p *probe) {
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		drain(r.Body)
		fmt.Fprintf(w, "%q", r.Trailer)
	})
	p.asBare("POST", s.base, p.call(func() *http.Request {
		req := p.requestTo(s.url, http.MethodPost, nil)
		body := &lateTrailer{Reader: strings.NewReader("body"), trailer: http.Header{"X-Sum": nil}}
		req.Body, req.ContentLength, req.Trailer = body, -1, body.trailer
		return req
	}))
}

func informational(p *probe) {
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "body")
	})
	var hints []string
	ctx := httptrace.WithClientTrace(p.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, " ", header.Get("Link")))
			return nil
		},
	})
	resp := p.fetch(p.wrap(s.base), p.get(s, "").WithContext(ctx))
	if want := []string{"103 </style.css>; rel=preload"}; !slices.Equal(hints, want) {
		p.fault("the hook saw %q instead of %q", hints, want)
	}
	if resp.StatusCode != http.StatusOK {
		p.fault("the answer after the 103 is %s", resp.Status)
	}
}

// hooks is a trace that lists which of its hooks fired.
type hooks struct {
	mu    sync.Mutex // guards fired
	fired []string
}

func (h *hooks) fire(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fired = append(h.fired, "hook "+name)
}

func (h *hooks) list() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.fired)
}

func traced(p *probe) {
	s := p.serve(echo)
	p.asBare("POST", s.base, func(rt http.RoundTripper) []string {
		s.base.CloseIdleConnections()
		h := new(hooks)
		written := make(chan struct{}) // the last hook, which may fire after the answer was read
		wrote := sync.OnceFunc(func() { close(written) })
		ctx := httptrace.WithClientTrace(p.Context(), &httptrace.ClientTrace{
			GetConn:              func(string) { h.fire("GetConn") },
			GotConn:              func(i httptrace.GotConnInfo) { h.fire("GotConn") },
			ConnectStart:         func(string, string) { h.fire("ConnectStart") },
			WroteHeaders:         func() { h.fire("WroteHeaders") },
			WroteRequest:         func(httptrace.WroteRequestInfo) { h.fire("WroteRequest"); wrote() },
			GotFirstResponseByte: func() { h.fire("GotFirstResponseByte") },
		})
		resp := p.fetch(rt, p.requestTo(s.url, http.MethodPost, strings.NewReader("body")).WithContext(ctx))
		defer resp.Body.Close()
		if _, err := p.read(resp.Body); err != nil {
			p.fault("reading the body: %v", err)
		}
		select {
		case <-written:
		case <-time.After(min(p.patience, time.Second)):
		}
		return h.list()
	})
}

func tlsKept(p *probe) {
	s := p.serveAs(true, p.suite.HTTP2, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "body") })
	p.asBare("a GET over TLS", s.base, p.call(func() *http.Request { return p.get(s, "") }))
}

func http2Shared(p *probe) {
	s := p.serveAs(true, true, echo)
	rt := p.wrap(s.base)
	for range 4 {
		resp := p.fetch(rt, p.requestTo(s.url, http.MethodPost, strings.NewReader("body")))
		text, err := p.read(resp.Body)
		if resp.ProtoMajor != 2 || text != "body" || err != nil {
			p.fault("the call was answered by %s with %q, %v", resp.Proto, text, err)
		}
		resp.Body.Close()
	}
	if n := s.dials.Load(); n != 1 {
		p.fault("4 calls over HTTP/2 opened %d connections", n)
	}
}

func passedOn(p *probe) {
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, " ", r.URL.Path, " ", r.Header["X-Forwarded-For"])
	})
	resp := p.fetch(p.wrap(s.base), func() *http.Request {
		req := p.get(s, "/path")
		req.RequestURI, req.Host, req.RemoteAddr = "/other", "public.test", "192.0.2.1:1"
		req.Header.Set("X-Forwarded-For", "192.0.2.1")
		return req
	}())
	if text, err := p.read(resp.Body); text != "public.test /path [192.0.2.1]" || err != nil {
		p.fault("the request arrived as %q, %v", text, err)
	}
}
