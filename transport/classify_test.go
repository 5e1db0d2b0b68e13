package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
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

		// Timeouts.
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
		for _, err := range []error{io.ErrUnexpectedEOF, errors.New("http: unexpected EOF reading trailer")} {
			if v := Classify(req, nil, err); v.Retryable != tt.want || v.Category != Data {
				t.Errorf("%v of a %s with the key %q: %+v", err, tt.method, tt.key, v)
			}
		}
	}
}
