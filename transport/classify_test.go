package transport

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// The verdicts of the table in Classify's comment, by what they mean.
var (
	unsentPassing = passing(Network, Unsent)
	maybePassing  = passing(Network, Maybe)
	canceled      = Verdict{Outcome: Neutral, Category: Canceled, Severity: Low}
	ownDeadline   = Verdict{Outcome: Failed, Category: TimedOut, Severity: Medium, Recoverable: true}
	unknownError  = Verdict{Outcome: Failed, Category: BusinessLogic, Severity: Medium}
	programFault  = Verdict{Outcome: Failed, Category: System, Severity: High}
	ourWant       = Verdict{Outcome: Neutral, Category: System, Severity: Critical, Sent: Unsent}
	missing       = Verdict{Category: Data, Severity: Medium}
	badInput      = Verdict{Category: Validation, Severity: Low, Recoverable: true}
	cutSafe       = Verdict{Outcome: Failed, Category: Data, Severity: Medium, Retryable: true} // on a safe method
)

// An origin of an error: what was sent, and what came of it.
type origin func(*testing.T) (*http.Request, error)

// through sends a GET to url through rt, and reads the answer.
func through(rt http.RoundTripper, url string) origin {
	return func(t *testing.T) (*http.Request, error) {
		req := get(t, url)
		_, _, err := send(t, rt, req)
		return req, err
	}
}

// raw sends a GET to a server that answers with text as it is.
func raw(text string) origin { return rawBy(new(http.Transport), text) }

func rawBy(tr *http.Transport, text string) origin {
	return func(t *testing.T) (*http.Request, error) {
		t.Cleanup(tr.CloseIdleConnections)
		return through(tr, "http://"+listen(t, replies(text)))(t)
	}
}

// says is an error that no socket need produce.
func says(err error) origin {
	return func(t *testing.T) (*http.Request, error) { return get(t, "http://a.test"), err }
}

// dialing sends a GET whose dial fails with err, as the system would report it.
func dialing(err error) origin {
	d := net.Dialer{Control: func(string, string, syscall.RawConn) error { return err }}
	return through(&http.Transport{DialContext: d.DialContext}, "http://127.0.0.1:9")
}

// wanting is a connection to which only a part can be written.
type wanting struct{ net.Conn }

func (wanting) Write(p []byte) (int, error) {
	return len(p) / 2, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.ENOBUFS)}
}

// byCause provokes an error until that is what comes of it. Of net/http's reader
// and writer one meets the error and closes the connection, and the other, who
// finds it closed, may be the first to tell.
func byCause(provoke origin) origin {
	return func(t *testing.T) (req *http.Request, err error) {
		for range 100 {
			if req, err = provoke(t); !isAny(err, net.ErrClosed, io.ErrClosedPipe) {
				break
			}
		}
		return req, err
	}
}

// changed sends a GET that was made wrong by hand.
func changed(change func(*http.Request)) origin {
	return func(t *testing.T) (*http.Request, error) {
		req := get(t, "http://127.0.0.1:9")
		change(req)
		_, err := new(http.Transport).RoundTrip(req)
		return req, err
	}
}

func TestClassifyErrors(t *testing.T) {
	provoked := make(map[string]bool)
	for _, test := range []struct {
		name string
		from origin
		want Verdict
	}{
		// Network: the way to the service.
		{"nobody listens", func(t *testing.T) (*http.Request, error) {
			return through(new(http.Transport), "http://"+refusing(t))(t)
		}, unsentPassing},
		{"the connection is reset", func(t *testing.T) (*http.Request, error) {
			return through(new(http.Transport), "http://"+listen(t, resets))(t)
		}, maybePassing},
		{"the connection is closed without an answer", raw(""), maybePassing},
		{"there is no route to the host", dialing(syscall.EHOSTUNREACH), unsentPassing},
		{"there is no route to the network", dialing(syscall.ENETUNREACH), unsentPassing},
		{"the proxy refuses the connection", func(t *testing.T) (*http.Request, error) {
			proxy := &url.URL{Scheme: "http", Host: refusing(t)}
			return through(&http.Transport{Proxy: http.ProxyURL(proxy)}, "http://a.test")(t)
		}, unsentPassing},
		{"the SOCKS proxy refuses the connection", func(t *testing.T) (*http.Request, error) {
			proxy := &url.URL{Scheme: "socks5", Host: refusing(t)}
			return through(&http.Transport{Proxy: http.ProxyURL(proxy)}, "http://a.test")(t)
		}, unsentPassing},
		{"the server closed an idle connection just as it was used", closedIdle, maybePassing},
		{"a driver's connection is bad", says(driver.ErrBadConn), maybePassing},
		{"the connection was closed on our side", says(net.ErrClosed), maybePassing},

		// DNS.
		{"the name does not exist", lookUp(nameServer(dnsNXDomain), time.Minute), lasting(Network, Unsent)},
		{"the name server fails", lookUp(nameServer(dnsServFail), time.Minute), unsentPassing},
		{"the name server does not answer", lookUp(nameServer(dnsSilent), 200*time.Millisecond), passing(TimedOut, Unsent)},

		// TLS.
		{"the certificate is of an unknown authority", tlsTo(serverOf{}, nil), lasting(Network, Unsent)},
		{"the certificate is of another host", tlsTo(serverOf{}, func(c *tls.Config, roots *x509.CertPool) { c.RootCAs, c.ServerName = roots, "other.test" }), lasting(Network, Unsent)},
		{"the certificate has expired", tlsTo(serverOf{expired: true}, func(c *tls.Config, roots *x509.CertPool) { c.RootCAs = roots }), lasting(Network, Unsent)},
		{"the server wants a certificate of ours", byCause(tlsTo(serverOf{wantsCert: true}, func(c *tls.Config, roots *x509.CertPool) { c.RootCAs = roots })), lasting(Network, Maybe)},
		{"the two sides have no version of TLS in common", tlsTo(serverOf{old: true}, func(c *tls.Config, roots *x509.CertPool) { c.RootCAs, c.MinVersion = roots, tls.VersionTLS13 }), lasting(Network, Maybe)},
		{"our TLS settings make no sense", tlsTo(serverOf{}, func(c *tls.Config, _ *x509.CertPool) { c.MinVersion, c.MaxVersion = tls.VersionTLS13, tls.VersionTLS12 }), lasting(Network, Maybe)},
		{"the server speaks plain HTTP to a TLS client", func(t *testing.T) (*http.Request, error) {
			return through(new(http.Transport), "https://"+listen(t, func(c net.Conn) {
				io.ReadFull(c, make([]byte, 64))
				io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
				hangs(c)
			}))(t)
		}, lasting(Network, Unsent)},
		{"the server speaks nonsense to a TLS client", func(t *testing.T) (*http.Request, error) {
			return through(new(http.Transport), "https://"+listen(t, func(c net.Conn) {
				io.ReadFull(c, make([]byte, 64))
				io.WriteString(c, "nonsense")
				hangs(c)
			}))(t)
		}, lasting(Network, Unsent)},
		{"the server speaks nonsense after the handshake", byCause(tlsTo(serverOf{garbled: true}, func(c *tls.Config, roots *x509.CertPool) { c.RootCAs = roots })), lasting(Network, Maybe)},
		{"the TLS handshake is cut", func(t *testing.T) (*http.Request, error) {
			return through(new(http.Transport), "https://"+listen(t, func(c net.Conn) { c.Read(make([]byte, 4096)) }))(t)
		}, maybePassing},
		{"the TLS handshake is reset", func(t *testing.T) (*http.Request, error) {
			return through(new(http.Transport), "https://"+listen(t, func(c net.Conn) {
				c.Read(make([]byte, 4096))
				c.(*net.TCPConn).SetLinger(0)
			}))(t)
		}, maybePassing},

		// Time-outs.
		{"the TLS handshake takes too long", func(t *testing.T) (*http.Request, error) {
			return through(&http.Transport{TLSHandshakeTimeout: 20 * time.Millisecond}, "https://"+listen(t, hangs))(t)
		}, passing(TimedOut, Unsent)},
		{"the dial takes too long", through(&http.Transport{DialContext: (&net.Dialer{Timeout: time.Nanosecond}).DialContext}, "http://127.0.0.1:9"), passing(TimedOut, Unsent)},
		{"the response headers take too long for the transport", func(t *testing.T) (*http.Request, error) {
			return through(&http.Transport{ResponseHeaderTimeout: 20 * time.Millisecond}, "http://"+listen(t, hangs))(t)
		}, passing(TimedOut, Maybe)},
		{"the response headers take too long for Timeout", func(t *testing.T) (*http.Request, error) {
			return through(Timeout{Headers: 20 * time.Millisecond}.Wrap(new(http.Transport)), "http://"+listen(t, hangs))(t)
		}, passing(TimedOut, Maybe)},
		{"a read of the body takes too long for Timeout", func(t *testing.T) (*http.Request, error) {
			return through(Timeout{Idle: 20 * time.Millisecond}.Wrap(new(http.Transport)), "http://"+listen(t, func(c net.Conn) {
				replies("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")(c)
				hangs(c)
			}))(t)
		}, passing(TimedOut, Maybe)},
		{"a socket's own deadline is over", says(os.ErrDeadlineExceeded), passing(TimedOut, Maybe)},

		// The caller's own end.
		{"the caller cancels", endedBy(func(ctx context.Context) (context.Context, func()) {
			return context.WithCancel(ctx)
		}), canceled},
		{"the caller cancels with a cause of its own", endedBy(func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(ctx)
			return ctx, func() { cancel(errBoom) }
		}), canceled},
		{"the caller cancels because of a deadline of its own", endedBy(func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(ctx)
			return ctx, func() { cancel(fmt.Errorf("busy: %w", context.DeadlineExceeded)) }
		}), ownDeadline},
		{"the caller's deadline is over", endedBy(func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			_ = cancel // the time ends it
			return ctx, func() {}
		}), ownDeadline},
		{"the caller's deadline has a cause of its own", endedBy(func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Millisecond, errBoom)
			_ = cancel
			return ctx, func() {}
		}), ownDeadline},
		{"Deadline is over", func(t *testing.T) (*http.Request, error) {
			return inside(t, func(rt http.RoundTripper) http.RoundTripper { return Deadline{Total: 20 * time.Millisecond}.Wrap(rt) }, 0)
		}, ownDeadline},
		{"http.Client.Timeout is over", func(t *testing.T) (*http.Request, error) {
			return inside(t, func(rt http.RoundTripper) http.RoundTripper { return rt }, 20*time.Millisecond)
		}, ownDeadline},
		{"the caller closes Request.Cancel", func(t *testing.T) (*http.Request, error) {
			c := make(chan struct{})
			close(c)
			req := get(t, "http://a.test")
			req.Cancel = c //lint:ignore SA1019 programs use it still
			_, err := (&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				<-t.Context().Done() // or the dial might be over first
				return nil, t.Context().Err()
			}}).RoundTrip(req)
			return req, err
		}, canceled},

		// Our own want.
		{"there are no file descriptors left", dialing(syscall.EMFILE), ourWant},
		{"the system has no file descriptors left", dialing(syscall.ENFILE), ourWant},
		{"there is no memory", dialing(syscall.ENOMEM), ourWant},
		{"there are no socket buffers", dialing(syscall.ENOBUFS), ourWant},
		{"there are no socket buffers for the rest of a request", byCause(func(t *testing.T) (*http.Request, error) {
			return through(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				client, _ := net.Pipe()
				return wanting{client}, nil
			}}, "http://127.0.0.1:9")(t)
		}), Verdict{Outcome: Neutral, Category: System, Severity: Critical}},

		// Data: broken answers.
		{"the body is cut", raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), cutSafe},
		{"a chunked body is cut", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"), cutSafe},
		{"the body is cut and Buffer sees it", func(t *testing.T) (*http.Request, error) {
			addr := listen(t, replies("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"))
			return through(Buffer{}.Wrap(new(http.Transport)), "http://"+addr)(t)
		}, cutSafe},
		{"the body of the answer to a POST is cut", func(t *testing.T) (*http.Request, error) {
			addr := listen(t, replies("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"))
			req := newRequest(t, http.MethodPost, "http://"+addr, nil)
			_, _, err := send(t, new(http.Transport), req)
			return req, err
		}, lasting(Data, Maybe)},
		{"the headers are cut", raw("HTTP/1.1 200 OK\r\nA: b\r\n"), cutSafe},
		{"the status line is nonsense", raw("nonsense\r\n\r\n"), lasting(Data, Maybe)},
		{"the status code is nonsense", raw("HTTP/1.1 2x0 OK\r\n\r\n"), lasting(Data, Maybe)},
		{"the version is nonsense", raw("HTTQ/1.1 200 OK\r\n\r\n"), lasting(Data, Maybe)},
		{"a header line is nonsense", raw("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), lasting(Data, Maybe)},
		{"the headers are too large", rawBy(&http.Transport{MaxResponseHeaderBytes: 64}, "HTTP/1.1 200 OK\r\nA: "+strings.Repeat("a", 9000)+"\r\n\r\n"), lasting(Data, Maybe)},
		{"there are two lengths", raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), lasting(Data, Maybe)},
		{"the length is no number", raw("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), lasting(Data, Maybe)},
		{"the length is empty", raw("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n"), lasting(Data, Maybe)},
		{"the transfer encoding is unknown", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: zip\r\n\r\n"), lasting(Data, Maybe)},
		{"there are two transfer encodings", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), lasting(Data, Maybe)},
		{"a chunk's length is no number", raw(chunked("zz\r\nabc\r\n")), lasting(Data, Maybe)},
		{"a chunk has no length", raw(chunked("\r\nabc\r\n")), lasting(Data, Maybe)},
		{"a chunk's length is too large to count", raw(chunked("fffffffffffffffff\r\nabc\r\n")), lasting(Data, Maybe)},
		{"a chunk is longer than it said", raw(chunked("3\r\nabcdef\r\n")), lasting(Data, Maybe)},
		{"a chunk's length line does not end", raw(chunked("3;" + strings.Repeat("a", 9000))), lasting(Data, Maybe)},
		{"a chunk's length line has a bare line feed", raw(chunked("3\nabc\r\n0\r\n\r\n")), lasting(Data, Maybe)},
		{"a chunk's length line has a carriage return in it", raw(chunked("3;\ra\r\nabc\r\n0\r\n\r\n")), lasting(Data, Maybe)},
		{"chunks are mostly overhead", raw(chunked(strings.Repeat("1;"+strings.Repeat("x", 4000)+"\r\na\r\n", 100))), lasting(Data, Maybe)},
		{"the trailer is cut", raw(chunked("3\r\nabc\r\n0\r\nA: b\r\n\r")), lasting(Data, Maybe)},
		{"the answer is cut before its trailer", raw(chunked("3\r\nabc\r\n0\r\n")), cutSafe},
		{"the trailer is too long", raw(chunked("0\r\nA: " + strings.Repeat("a", 9000) + "\r\n\r\n")), lasting(Data, Maybe)},
		{"gzip's header is broken", raw(zipped("no gzip at all, none of it")), lasting(Data, Maybe)},
		{"gzip's data is broken", raw(zipped(spoil(10))), lasting(Data, Maybe)},
		{"gzip's sum is wrong", raw(zipped(spoil(-8))), lasting(Data, Maybe)},

		// HTTP/2.
		{"the HTTP/2 stream is reset", http2(resetStream(2), nil), maybePassing},
		{"the HTTP/2 stream is refused", http2(resetStream(refusedStream), nil), unsentPassing},
		{"the HTTP/2 stream is refused once the body was read", http2(resetStream(refusedStream), body("data")), maybePassing},
		{"the HTTP/2 server goes away", http2(goAway(2, 0), nil), maybePassing},
		{"the HTTP/2 server goes away and closes", http2(goAwayAndClose, nil), maybePassing},
		{"the HTTP/2 connection does not answer pings", http2(func(net.Conn, uint32) {}, nil), maybePassing},
		{"the HTTP/2 connection ends before its first request", http2Hooked(func(server net.Conn) { server.Close() }), unsentPassing},
		{"the HTTP/2 connection is closed on our side", onHTTP2Conn(func(c *http.ClientConn, req *http.Request) error {
			time.AfterFunc(time.Second, func() { c.Close() })
			_, err := c.RoundTrip(req)
			return err
		}), maybePassing},
		{"the HTTP/2 connection was closed on our side", onHTTP2Conn(func(c *http.ClientConn, req *http.Request) error {
			time.AfterFunc(time.Second, func() { c.Close() })
			c.RoundTrip(req)
			_, err := c.RoundTrip(req)
			return err
		}), unsentPassing},
		{"the HTTP/2 connection ends before a body that cannot be had again", onceMore(func(server net.Conn) { server.Close() }), unsentPassing},
		{"the HTTP/2 connection ends while the body is sent and the answer read", answeredEarly(func(server net.Conn) { server.Close() }), maybePassing},
		{"the HTTP/2 connection is cut", http2(func(c net.Conn, _ uint32) { c.Close() }, nil), cutSafe},
		{"the HTTP/2 frames make no sense", http2(func(c net.Conn, _ uint32) { c.Write(frame(0, 0, 0, []byte("data on no stream"))) }, nil), lasting(Data, Maybe)},
		{"the HTTP/2 answer has no status", http2(func(c net.Conn, id uint32) { c.Write(frame(1, 5, id, []byte("\x00\x01a\x01b"))) }, nil), lasting(Data, Maybe)},
		{"the HTTP/2 answer has a header that is none", http2(func(c net.Conn, id uint32) { c.Write(frame(1, 5, id, []byte("\x88\x00\x01A\x01b"))) }, nil), lasting(Data, Maybe)},
		{"the HTTP/2 headers make no sense", http2(func(c net.Conn, id uint32) { c.Write(frame(1, 4, id, []byte{0x80})) }, nil), lasting(Data, Maybe)},
		{"the server speaks HTTP/1 to an HTTP/2 client", http2(func(c net.Conn, _ uint32) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, nil), lasting(Data, Maybe)},

		// Validation: requests that net/http does not send.
		{"the request has no URL", changed(func(r *http.Request) { r.URL = nil }), invalid},
		{"the request has no header", changed(func(r *http.Request) { r.Header = nil }), invalid},
		{"a header's name is invalid", changed(func(r *http.Request) { r.Header["a b"] = []string{"c"} }), invalid},
		{"a header's value is invalid", changed(func(r *http.Request) { r.Header["A"] = []string{"b\nc"} }), invalid},
		{"a trailer's name is invalid", changed(func(r *http.Request) { r.Trailer = http.Header{"a b": nil} }), invalid},
		{"the method is invalid", changed(func(r *http.Request) { r.Method = "a b" }), invalid},
		{"the scheme is unknown", changed(func(r *http.Request) { r.URL.Scheme = "gopher" }), invalid},
		{"the URL has no host", changed(func(r *http.Request) { r.URL.Host = "" }), invalid},
		{"the port is out of range", changed(func(r *http.Request) { r.URL.Host = "127.0.0.1:99999" }), invalid},
		{"the Host header is invalid and a proxy is to have it", byCause(func(t *testing.T) (*http.Request, error) {
			proxy := &url.URL{Scheme: "http", Host: listen(t, hangs)}
			req := get(t, "http://a.test")
			req.Host = "a{b"
			_, err := (&http.Transport{Proxy: http.ProxyURL(proxy)}).RoundTrip(req)
			return req, err
		}), invalid},
		{"a trailer is not allowed", byCause(atServer(func(r *http.Request) {
			r.Trailer = http.Header{"Content-Length": nil}
			r.Body, r.ContentLength = body("data"), -1
		})), Verdict{Outcome: Neutral, Category: Validation, Severity: Low, Recoverable: true}},
		{"the request has a length and no body", byCause(atServer(func(r *http.Request) { r.ContentLength = 3 })), invalid},
		{"the request's body is shorter than it said", byCause(atServer(func(r *http.Request) { r.Body, r.ContentLength = body("data"), 9 })), Verdict{Outcome: Neutral, Category: Validation, Severity: Low, Recoverable: true}},
		{"the request's body is longer than it said", byCause(atServer(func(r *http.Request) { r.Body, r.ContentLength = body("data"), 2 })), Verdict{Outcome: Neutral, Category: Validation, Severity: Low, Recoverable: true}},
		{"the URL does not parse", func(t *testing.T) (*http.Request, error) {
			_, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://[::1", nil)
			return nil, err
		}, invalid},

		// Faults of our own program.
		{"a runtime error", func(*testing.T) (_ *http.Request, err error) {
			defer func() { err = recover().(error) }()
			return nil, fmt.Errorf("%d", make([]int, 0)[len(os.Args)])
		}, programFault},
		{"neither a response nor an error", says(layer.ErrNoResponse), programFault},
		{"a base that returns nil and nil", through(Record{}.Wrap(Func(func(*http.Request) (*http.Response, error) { return nil, nil })), "http://a.test"), programFault},

		// Verdicts that an error brings along.
		{"an open circuit", says(fmt.Errorf("sorry: %w", &OpenError{State: Open})), Verdict{Outcome: Neutral, Category: CircuitOpen, Severity: Medium, Recoverable: true, Sent: Unsent}},
		{"a Failure", says(&Failure{verdict: cutSafe, cause: &errBoom}), cutSafe},

		// Errors of work that is not HTTP.
		{"a JSON syntax error", func(*testing.T) (*http.Request, error) { return nil, json.Unmarshal([]byte("{"), new(int)) }, badInput},
		{"a JSON type error", func(*testing.T) (*http.Request, error) { return nil, json.Unmarshal([]byte(`"a"`), new(int)) }, badInput},
		{"a number that is none", func(*testing.T) (*http.Request, error) { _, err := strconv.Atoi("x"); return nil, err }, badInput},
		{"a row that is not there", says(sql.ErrNoRows), missing},
		{"a file that is not there", func(t *testing.T) (*http.Request, error) { _, err := os.Open(t.TempDir() + "/none"); return nil, err }, missing},
		{"a file that may not be there", says(&fs.PathError{Op: "open", Path: "/", Err: syscall.EACCES}), unknownError},

		// Anything else.
		{"an error that nobody knows", says(errBoom), unknownError},
		{"an error that is joined of an unknown and a known one", says(errors.Join(errBoom, io.ErrUnexpectedEOF)), cutSafe},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := test.from(t)
			if err == nil {
				t.Fatal("there was no error")
			}
			t.Logf("%T %q", err, err)
			if got := Classify(req, nil, err); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if got := Classify(req, nil, fmt.Errorf("more: %w", err)); got != test.want {
				t.Errorf("wrapped: got %+v, want %+v", got, test.want)
			}
			if _, ok := errors.AsType[*url.Error](err); ok {
				return // it does not come from a transport
			}
			if got := Classify(req, nil, &url.Error{Op: "Get", URL: "http://a.test", Err: err}); got != test.want {
				t.Errorf("in a *url.Error: got %+v, want %+v", got, test.want)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				for _, entry := range texts {
					if strings.HasPrefix(e.Error(), entry.prefix) {
						provoked[entry.prefix] = true
					}
				}
			}
		})
	}
	for _, entry := range texts {
		if !provoked[entry.prefix] {
			t.Errorf("texts has %q, which no row provoked: does net/http say it still?", entry.prefix)
		}
	}
}

// endedBy makes a call that ends with its context.
func endedBy(with func(context.Context) (context.Context, func())) origin {
	return func(t *testing.T) (*http.Request, error) {
		ctx, cancel := with(t.Context())
		req := get(t, "http://"+listen(t, func(c net.Conn) {
			readRequest(bufio.NewReader(c))
			cancel()
			hangs(c)
		})).WithContext(ctx)
		_, err := new(http.Transport).RoundTrip(req)
		return req, err
	}
}

// inside makes a call that never ends, with a client's time-out and a wrapper,
// and returns what is seen inside of both.
func inside(t *testing.T, wrap Middleware, limit time.Duration) (seen *http.Request, err error) {
	spy := func(req *http.Request) (resp *http.Response, e error) {
		resp, e = new(http.Transport).RoundTrip(req)
		seen, err = req, e
		return resp, e
	}
	client := &http.Client{Timeout: limit, Transport: wrap(Func(spy))}
	if resp, err := client.Do(get(t, "http://"+listen(t, hangs))); err == nil {
		resp.Body.Close()
	}
	return seen, err
}

// closedIdle sends a POST on a connection that the server closes between the
// moment that it is chosen and the moment that it is used.
func closedIdle(t *testing.T) (*http.Request, error) {
	hangUp, closed := make(chan struct{}), make(chan struct{})
	addr := listen(t, func(c net.Conn) {
		replies("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(c)
		<-hangUp
	})
	tr := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &closeTold{Conn: c, closed: closed}, err
	}}
	if _, _, err := send(t, tr, get(t, "http://"+addr)); err != nil {
		t.Fatal(err)
	}
	req := newRequest(t, http.MethodPost, "http://"+addr, body("data"))
	_, err := tr.RoundTrip(req.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { closeOnce(hangUp); <-closed },
	})))
	return req, err
}

func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

type closeTold struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *closeTold) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// atServer sends a request that is found to be wrong while it is written.
func atServer(change func(*http.Request)) origin {
	return func(t *testing.T) (*http.Request, error) {
		req := newRequest(t, http.MethodPost, "http://"+listen(t, hangs), nil)
		change(req)
		_, err := new(http.Transport).RoundTrip(req)
		return req, err
	}
}

func chunked(body string) string {
	return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
}

func zipped(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// spoil returns something zipped, of which one byte is wrong.
func spoil(at int) string {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	io.WriteString(w, "some text to be zipped")
	w.Close()
	b := buf.Bytes()
	if at < 0 {
		at += len(b)
	}
	b[at] = ^b[at]
	return string(b)
}

// The answers of a name server: response codes of RFC 1035, section 4.1.1.
const (
	dnsSilent   = -1
	dnsServFail = 2
	dnsNXDomain = 3
)

// nameServer answers every question with a code.
func nameServer(code int) func(t *testing.T) string {
	return func(t *testing.T) string {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		go func() {
			buf := make([]byte, 512)
			for {
				n, from, err := c.ReadFrom(buf)
				if err != nil {
					return
				}
				if code != dnsSilent {
					// The question comes back as it is, without what stands
					// after it.
					end := 12
					for buf[end] != 0 {
						end += int(buf[end]) + 1
					}
					copy(buf[2:], []byte{0x81, 0x80 | byte(code), 0, 1, 0, 0, 0, 0, 0, 0})
					c.WriteTo(buf[:min(n, end+5)], from)
				}
			}
		}()
		return c.LocalAddr().String()
	}
}

func lookUp(server func(*testing.T) string, patience time.Duration) origin {
	return func(t *testing.T) (*http.Request, error) {
		addr := server(t)
		d := net.Dialer{
			Timeout: patience,
			Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "udp", addr)
			}},
		}
		return through(&http.Transport{DialContext: d.DialContext}, "http://nowhere.test.")(t)
	}
}

// serverOf says what is special about a TLS server.
type serverOf struct{ expired, wantsCert, old, garbled bool }

func tlsTo(s serverOf, config func(c *tls.Config, roots *x509.CertPool)) origin {
	return func(t *testing.T) (*http.Request, error) {
		cert, roots := certificate(t, s.expired)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if s.garbled {
				c, _, _ := http.NewResponseController(w).Hijack()
				c.(*tls.Conn).NetConn().Write([]byte("nonsense"))
				c.Close()
			}
		}))
		server.Config.ErrorLog = quiet
		server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		if s.wantsCert {
			server.TLS.ClientAuth = tls.RequireAnyClientCert
		}
		if s.old {
			server.TLS.MaxVersion = tls.VersionTLS12
		}
		server.StartTLS()
		t.Cleanup(server.Close)
		tr := &http.Transport{TLSClientConfig: new(tls.Config)}
		if config != nil {
			config(tr.TLSClientConfig, roots)
		}
		return through(tr, server.URL)(t)
	}
}

func certificate(t *testing.T, expired bool) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(time.Hour)
	if expired {
		end = time.Now().Add(-time.Hour)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: end.Add(-2 * time.Hour), NotAfter: end, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	leaf, _ := x509.ParseCertificate(der)
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// http2 sends a request, with a body if there is one, to an HTTP/2 server that
// does with each stream what do says. It runs in a bubble, since net/http has
// its own waits here.
func http2(do func(c net.Conn, stream uint32), body io.Reader) origin {
	return func(t *testing.T) (req *http.Request, err error) {
		synctest.Test(t, func(t *testing.T) {
			tr := &http.Transport{
				Protocols: new(http.Protocols),
				HTTP2:     &http.HTTP2Config{SendPingTimeout: time.Minute, PingTimeout: time.Minute},
				DialContext: func(context.Context, string, string) (net.Conn, error) {
					client, server := net.Pipe()
					go serveHTTP2(server, do)
					return client, nil
				},
			}
			tr.Protocols.SetUnencryptedHTTP2(true)
			req = get(t, "http://a.test")
			if body != nil {
				req = newRequest(t, http.MethodPut, "http://a.test", body)
			}
			_, _, err = send(t, tr, req)
			tr.CloseIdleConnections()
		})
		req = req.WithContext(context.Background()) // the bubble's is over
		return req, err
	}
}

// http2Hooked makes a call over HTTP/2 to a server that is done something to
// between the making of the connection and its first request.
func http2Hooked(do func(server net.Conn)) origin {
	return overHTTP2(func(tr *http.Transport, req *http.Request, servers <-chan net.Conn) error {
		ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
			do(<-servers)
			synctest.Wait()
		}})
		_, err := tr.RoundTrip(req.WithContext(ctx))
		return err
	})
}

// onceMore sends a body without GetBody over an HTTP/2 connection that was used
// already, and that is done something to before it is used again.
func onceMore(do func(server net.Conn)) origin {
	return overHTTP2(func(tr *http.Transport, req *http.Request, servers <-chan net.Conn) error {
		ctx, cancel := context.WithTimeout(req.Context(), time.Second)
		defer cancel()
		tr.RoundTrip(req.WithContext(ctx))
		server := <-servers
		req, err := http.NewRequestWithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
			do(server)
			synctest.Wait()
		}}), http.MethodPost, req.URL.String(), io.NopCloser(strings.NewReader("body")))
		if err != nil {
			return err
		}
		_, err = tr.RoundTrip(req)
		return err
	})
}

// answeredEarly sends more than the server takes over an HTTP/2 connection that
// is done something to once the headers of the answer are there.
func answeredEarly(do func(server net.Conn)) origin {
	return overHTTP2(func(tr *http.Transport, req *http.Request, servers <-chan net.Conn) error {
		req, err := http.NewRequestWithContext(req.Context(), http.MethodPut, req.URL.String(), strings.NewReader(strings.Repeat("b", 1<<20)))
		if err != nil {
			return err
		}
		var server net.Conn
		time.AfterFunc(time.Second, func() {
			server = <-servers
			server.Write(frame(1, 4, 1, []byte{0x88})) // HEADERS: 200
		})
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		do(server)
		_, err = io.ReadAll(resp.Body)
		return err
	})
}

// onHTTP2Conn does something with an HTTP/2 connection that is never answered.
func onHTTP2Conn(do func(*http.ClientConn, *http.Request) error) origin {
	return overHTTP2(func(tr *http.Transport, req *http.Request, _ <-chan net.Conn) error {
		c, err := tr.NewClientConn(req.Context(), "http", "a.test:80")
		if err != nil {
			return err
		}
		return do(c, req)
	})
}

// overHTTP2 gives do a transport whose servers never answer, and each of those.
func overHTTP2(do func(*http.Transport, *http.Request, <-chan net.Conn) error) origin {
	return func(t *testing.T) (req *http.Request, err error) {
		synctest.Test(t, func(t *testing.T) {
			servers := make(chan net.Conn, 1)
			tr := &http.Transport{Protocols: new(http.Protocols), DialContext: func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				go serveHTTP2(server, func(net.Conn, uint32) {})
				servers <- server
				return client, nil
			}}
			tr.Protocols.SetUnencryptedHTTP2(true)
			req = get(t, "http://a.test")
			err = do(tr, req, servers)
			tr.CloseIdleConnections()
		})
		req = req.WithContext(context.Background()) // the bubble's is over
		return req, err
	}
}

// serveHTTP2 reads frames (RFC 9113, section 4.1), and calls do for each
// request that is complete.
func serveHTTP2(c net.Conn, do func(net.Conn, uint32)) {
	defer c.Close()
	out := make(chan []byte, 100)
	defer close(out)
	w := &laterConn{c, out}
	go func() {
		for b := range out {
			if b == nil {
				c.Close()
				continue
			}
			c.Write(b)
		}
	}()
	r := bufio.NewReader(c)
	io.ReadFull(r, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
	w.Write(frame(4, 0, 0, nil)) // SETTINGS
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(r, head); err != nil {
			return
		}
		io.CopyN(io.Discard, r, int64(head[0])<<16|int64(head[1])<<8|int64(head[2]))
		kind, flags := head[3], head[4]
		if kind <= 1 && flags&1 != 0 { // DATA or HEADERS, and END_STREAM
			do(w, binary.BigEndian.Uint32(head[5:]))
		}
	}
}

// laterConn writes and closes without waiting for the reader, which over a
// pipe might wait for us.
type laterConn struct {
	net.Conn
	out chan<- []byte
}

func (c *laterConn) Write(p []byte) (int, error) {
	c.out <- p
	return len(p), nil
}

func (c *laterConn) Close() error {
	c.out <- nil
	return nil
}

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	f := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	f = binary.BigEndian.AppendUint32(f, stream)
	return append(f, payload...)
}

func resetStream(code uint32) func(net.Conn, uint32) {
	return func(c net.Conn, id uint32) { c.Write(frame(3, 0, id, binary.BigEndian.AppendUint32(nil, code))) }
}

func goAway(code, last uint32) func(net.Conn, uint32) {
	return func(c net.Conn, _ uint32) {
		c.Write(frame(7, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code)))
	}
}

func goAwayAndClose(c net.Conn, id uint32) {
	goAway(2, id)(c, id)
	c.Close()
}

func TestClassifyStatuses(t *testing.T) {
	mend := Verdict{Category: Validation, Severity: Low, Recoverable: true}
	auth := Verdict{Outcome: Neutral, Category: Auth, Severity: Medium}
	late := Verdict{Outcome: Failed, Category: TimedOut, Severity: Medium, Recoverable: true, Retryable: true}
	later := Verdict{Outcome: Neutral, Category: RateLimit, Severity: Medium, Recoverable: true, Retryable: true}
	special := map[int]Verdict{
		400: mend, 413: mend, 414: mend, 415: mend, 422: mend,
		401: auth, 407: auth,
		404: missing, 410: missing,
		408: late, 504: late,
		421: passing(Network, Maybe),
		425: later, 429: later,
		501: programFault, 505: programFault,
	}
	for code := 100; code < 1000; code++ {
		want, ok := special[code]
		switch {
		case ok:
		case code < 400:
			want = Verdict{}
		case code < 500:
			want = Verdict{Category: BusinessLogic, Severity: Medium}
		case code < 600:
			want = Verdict{Outcome: Failed, Category: System, Severity: High, Recoverable: true, Retryable: true}
		default:
			want = Verdict{Outcome: Failed, Category: Data, Severity: Medium}
		}
		want.Sent = Answered
		if got := Classify(nil, &http.Response{StatusCode: code}, nil); got != want {
			t.Errorf("%d: got %+v, want %+v", code, got, want)
		}
	}
}

func TestClassifyOfNothing(t *testing.T) {
	if got := Classify(nil, nil, nil); got != programFault {
		t.Errorf("got %+v, want %+v", got, programFault)
	}
}

func TestClassifyPrefersTheError(t *testing.T) {
	if got := Classify(nil, &http.Response{StatusCode: 200}, io.EOF); got != maybePassing {
		t.Errorf("got %+v, want %+v", got, maybePassing)
	}
}

func TestClassifyOldCancelOfAClientsTimeout(t *testing.T) {
	// An http.Client with a Timeout ends the request twice at once: by its
	// context and by Request.Cancel. Either may be first.
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	err := errors.New("net/http: request canceled")
	if got := Classify(get(t, "http://a.test").WithContext(ctx), nil, err); got != ownDeadline {
		t.Errorf("got %+v, want %+v", got, ownDeadline)
	}
}

func TestClassifyAllocatesNothing(t *testing.T) {
	refused := func() error {
		_, err := new(http.Transport).RoundTrip(get(t, "http://"+refusing(t)))
		return err
	}()
	_, reset := through(new(http.Transport), "http://"+listen(t, resets))(t)
	_, noName := lookUp(nameServer(dnsNXDomain), time.Minute)(t)
	_, late := through(&http.Transport{ResponseHeaderTimeout: 20 * time.Millisecond}, "http://"+listen(t, hangs))(t)
	req := get(t, "http://a.test")
	for name, test := range map[string]struct {
		resp *http.Response
		err  error
	}{
		"200":                {&http.Response{StatusCode: 200}, nil},
		"404":                {&http.Response{StatusCode: 404}, nil},
		"503":                {&http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"5"}}}, nil},
		"connection refused": {nil, refused},
		"connection reset":   {nil, reset},
		"no such host":       {nil, noName},
		"no headers in time": {nil, late},
		"connection closed":  {nil, io.EOF},
		"body cut":           {nil, io.ErrUnexpectedEOF},
		"Timeout":            {nil, &TimeoutError{"response headers", time.Second}},
		"canceled":           {nil, context.Canceled},
		"circuit open":       {nil, &OpenError{}},
	} {
		if n := testing.AllocsPerRun(100, func() { Classify(req, test.resp, test.err) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

func TestVerdictWords(t *testing.T) {
	for _, test := range []struct {
		want string
		got  interface{ String() string }
	}{
		{"success", Success}, {"failure", Failed}, {"neutral", Neutral}, {"unknown", Outcome(99)},
		{"ok", OK}, {"validation", Validation}, {"network", Network}, {"timeout", TimedOut}, {"data", Data}, {"system", System},
		{"business_logic", BusinessLogic}, {"rate_limit", RateLimit}, {"auth", Auth}, {"canceled", Canceled}, {"circuit_open", CircuitOpen},
		{"unknown", Category(99)},
		{"low", Low}, {"medium", Medium}, {"high", High}, {"critical", Critical}, {"unknown", Severity(99)},
		{"maybe", Maybe}, {"unsent", Unsent}, {"answered", Answered}, {"unknown", Sent(99)},
		{"none", NoAdvice}, {"yes", RetryYes}, {"no", RetryNo}, {"unknown", Advice(99)},
		{"closed", Closed}, {"open", Open}, {"half-open", HalfOpen}, {"unknown", State(99)},
		{"full", Full}, {"degraded", Degraded}, {"offline", Offline}, {"unknown", Level(99)},
	} {
		if got := test.got.String(); got != test.want {
			t.Errorf("%T: got %q, want %q", test.got, got, test.want)
		}
		if m, ok := test.got.(interface{ MarshalText() ([]byte, error) }); ok {
			if got, err := m.MarshalText(); string(got) != test.want || err != nil {
				t.Errorf("%T: marshals to %q (%v), want %q", test.got, got, err, test.want)
			}
		}
	}
	if first := slices.Sorted(maps.Keys(map[Category]bool{OK: true, Validation: true}))[0]; first != OK {
		t.Error("the zero Category is not OK")
	}
}

func TestACutAnswerIsWorthAnotherTryWhereThatDoesNoHarm(t *testing.T) {
	for _, tt := range []struct {
		method, key string
		want        bool
	}{
		{http.MethodGet, "", true},
		{http.MethodPost, "", false},
		{http.MethodPost, "k", true},
		{http.MethodPut, "", false},
	} {
		req := &http.Request{Method: tt.method, URL: &url.URL{Scheme: "http", Host: "a.test"}, Header: http.Header{}}
		if tt.key != "" {
			req.Header.Set("Idempotency-Key", tt.key)
		}
		if v := Classify(req, nil, io.ErrUnexpectedEOF); v.Retryable != tt.want || v.Category != Data {
			t.Errorf("%s with the key %q: %+v", tt.method, tt.key, v)
		}
	}
}
