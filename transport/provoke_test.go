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
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
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

// inside makes a call that never ends, with a client's timeout and a wrapper,
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

// The answers of a name server: response codes of RFC 1035, section 4.1.1.
const (
	dnsSilent   = -1
	dnsServFail = 2
	dnsNXDomain = 3
)
