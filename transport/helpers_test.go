package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// scripted is a base that answers by the book and counts what it is sent. A
// step is an int (a status), an error, or a Func; the last one repeats.
type scripted struct {
	steps []any

	mu     sync.Mutex // guards the rest
	sent   []*http.Request
	times  []time.Time
	bodies []string
	open   int // response bodies handed out and not closed
}

func script(steps ...any) *scripted { return &scripted{steps: steps} }

func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	s.mu.Lock()
	s.sent = append(s.sent, req)
	s.times = append(s.times, time.Now())
	s.bodies = append(s.bodies, string(body))
	step := s.steps[min(len(s.sent), len(s.steps))-1]
	s.mu.Unlock()
	switch step := step.(type) {
	case error:
		return nil, step
	case Func:
		return step(req)
	case int:
		return s.answer(req, step), nil
	case http.Header: // 503 with these
		resp := s.answer(req, 503)
		resp.Header = step.Clone()
		return resp, nil
	}
	panic("no such step")
}

func (s *scripted) answer(req *http.Request, code int) *http.Response {
	resp := answer(req, code, http.StatusText(code))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	resp.Body = &countedBody{Reader: resp.Body, closed: func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
	}}
	return resp
}

// calls returns how many requests came.
func (s *scripted) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

// left returns how many response bodies are not closed.
func (s *scripted) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// waits returns the times between the requests.
func (s *scripted) waits() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []time.Duration
	for i := 1; i < len(s.times); i++ {
		all = append(all, s.times[i].Sub(s.times[i-1]))
	}
	return all
}

func answer(req *http.Request, code int, body string) *http.Response {
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// header returns a step that answers 503 with headers.
func header(pairs ...string) http.Header {
	h := make(http.Header)
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// countedBody counts how often it is closed.
type countedBody struct {
	io.Reader
	closes atomic.Int32
	closed func() // at the first Close
}

func body(s string) *countedBody { return &countedBody{Reader: strings.NewReader(s)} }

func (b *countedBody) Close() error {
	if b.closes.Add(1) == 1 && b.closed != nil {
		b.closed()
	}
	return nil
}

func (b *countedBody) closedOnce(t *testing.T, what string) {
	t.Helper()
	if n := b.closes.Load(); n != 1 {
		t.Errorf("%s was closed %d times, want once", what, n)
	}
}

func newRequest(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func get(t testing.TB, url string) *http.Request {
	t.Helper()
	return newRequest(t, http.MethodGet, url, nil)
}

// withTrip returns req with a Trip.
func withTrip(req *http.Request) (*http.Request, *Trip) {
	ctx, trip := NewTrip(req.Context())
	return req.WithContext(ctx), trip
}

// send sends req and reads what comes back to its end.
func send(t testing.TB, rt http.RoundTripper, req *http.Request) (code int, text string, err error) {
	t.Helper()
	resp, err := rt.RoundTrip(req)
	if (resp == nil) == (err == nil) {
		t.Fatalf("response %v and error %v; want one of them", resp, err)
	}
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(read), err
}

// mustPanic fails the test unless f panics.
func mustPanic(t *testing.T, f func()) (with any) {
	t.Helper()
	defer func() {
		if with = recover(); with == nil {
			t.Error("there was no panic")
		}
	}()
	f()
	return nil
}

// listen accepts connections and hands each to serve, on a goroutine of its
// own. It returns the address. The end of the test closes them.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				defer context.AfterFunc(t.Context(), func() { c.Close() })()
				serve(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// replies returns a serve function that reads one request and answers with
// text as it is, and then closes.
func replies(text string) func(net.Conn) {
	return func(c net.Conn) {
		if readRequest(bufio.NewReader(c)) == nil {
			io.WriteString(c, text)
		}
	}
}

func readRequest(r *bufio.Reader) error {
	req, err := http.ReadRequest(r)
	if err == nil {
		_, err = io.Copy(io.Discard, req.Body)
	}
	return err
}

// hangs reads until the client gives up.
func hangs(c net.Conn) { io.Copy(io.Discard, c) }

// resets reads one request and resets the connection.
func resets(c net.Conn) {
	readRequest(bufio.NewReader(c))
	c.(*net.TCPConn).SetLinger(0)
}

// refusing returns an address where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

// pool returns a transport of the test's own that says how often it dialed.
func pool(t *testing.T) (*http.Transport, *atomic.Int32) {
	t.Helper()
	var dials atomic.Int32
	tr := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return tr, &dials
}

// noGoroutineLeft fails the test if, at its end, there are more goroutines of
// the kit or of net/http's client than when it was called.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	before := ours()
	t.Cleanup(func() {
		for end := time.Now().Add(2 * time.Second); ours() > before; {
			if time.Now().After(end) {
				t.Errorf("%d goroutines were left behind:\n%s", ours()-before, stacks())
				return
			}
			runtime.Gosched()
		}
	})
}

func ours() int {
	n := 0
	for stack := range strings.SplitSeq(stacks(), "\n\n") {
		if strings.Contains(stack, "safetrip/transport.") && !strings.Contains(stack, "testing.tRunner") ||
			strings.Contains(stack, "context.(*cancelCtx)") || strings.Contains(stack, "net/http.(*persistConn)") {
			n++
		}
	}
	return n
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

var errBoom = errors.New("boom")

// quiet is for servers whose complaints are the point of the test.
var quiet = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)

// syncBuffer is a buffer that several goroutines may write to.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func parseURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
