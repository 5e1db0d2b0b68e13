package rttest

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// A site is a server on the loopback interface, and a base that reaches it.
type site struct {
	url   string
	base  *http.Transport
	dials atomic.Int64 // connections that the base opened
}

// serve starts a server that speaks what the suite says. A handler that waits
// must also wait for the request's context, which ends with the rule.
func (p *probe) serve(h http.HandlerFunc) *site {
	p.Helper()
	return p.serveAs(p.suite.HTTP2, p.suite.HTTP2, h)
}

func (p *probe) serveAs(secure, http2 bool, h http.HandlerFunc) *site {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.EnableHTTP2 = http2
	srv.Config.HTTP2 = narrow
	s := &site{base: p.dialling()}
	if secure {
		srv.StartTLS()
		s.base.TLSClientConfig = trusting(srv)
	} else {
		srv.Start()
	}
	s.base.ForceAttemptHTTP2 = http2
	s.url = srv.URL
	s.count()
	p.Cleanup(func() {
		s.base.CloseIdleConnections()
		srv.CloseClientConnections()
		srv.Close()
	})
	return s
}

// listen starts a server that speaks no HTTP but what talk does with each
// connection, after it has read a request. It is for answers that an
// http.Server does not give.
//
// The request is read to its end, in however many pieces it comes: where
// something is left unread when the connection is closed, the system resets
// it, and an answer that is still on its way is lost.
func (p *probe) listen(talk func(net.Conn)) *site {
	p.Helper()
	l, err := new(net.ListenConfig).Listen(p.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		p.fatal("the suite's own listener: %v", err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(p.patience))
				if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					drain(req.Body)
				}
				talk(c)
			})
		}
	})
	s := &site{url: "http://" + l.Addr().String(), base: p.dialling()}
	s.count()
	p.Cleanup(func() {
		s.base.CloseIdleConnections()
		l.Close()
		conns.Wait()
	})
	return s
}

func (p *probe) dialling() *http.Transport {
	dial := p.suite.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 100, HTTP2: narrow}
}

// narrow keeps HTTP/2 from holding megabytes on its own account, as it does by
// default for a reader that is slower than the writer.
var narrow = &http.HTTP2Config{MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 256 << 10}

func (s *site) count() {
	dial := s.base.DialContext
	s.base.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		s.dials.Add(1)
		return dial(ctx, network, addr)
	}
}

// trusting is a client's configuration that trusts the server's certificate.
func trusting(srv *httptest.Server) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// say writes text and sends it on its way. That the client has gone is seen by
// the client.
func say(w http.ResponseWriter, text string) {
	io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
}

// echo is a handler that answers with the request's body.
func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

// drain reads to the end, or to an error that is nobody's business.
func drain(r io.Reader) { _, _ = io.Copy(io.Discard, r) }

// get makes a GET for a path of the site.
func (p *probe) get(s *site, path string) *http.Request {
	p.Helper()
	return p.requestTo(s.url+path, http.MethodGet, nil)
}

// asAnswered compares, bare and wrapped, what a handler's answer looks like.
func (p *probe) asAnswered(method string, h http.HandlerFunc) {
	p.Helper()
	s := p.serve(h)
	p.asBare(method, s.base, p.call(func() *http.Request { return p.requestTo(s.url, method, nil) }))
}
