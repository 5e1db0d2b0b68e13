package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A program is the gateway at work, in this process.
type program struct {
	URL, Health string

	stop context.CancelFunc
	done chan int
	says *bytes.Buffer // may be read when done
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start runs the program in front of an upstream until the test ends.
func start(tb testing.TB, upstream string, args ...string) *program {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &program{stop: stop, done: make(chan int, 1), says: new(bytes.Buffer)}
	r, w := io.Pipe()
	go func() {
		code := run(ctx, append([]string{"-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-upstream", upstream}, args...), w, p.says)
		w.Close()
		p.done <- code
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		tb.Fatalf("it ended with %d: %s", <-p.done, p.says)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	all := address.FindAllString(line, -1)
	p.URL, p.Health = all[0], all[len(all)-1]
	tb.Cleanup(func() { p.end() })
	return p
}

// end interrupts the program and returns its exit code.
func (p *program) end() int {
	p.stop()
	code := <-p.done
	p.done <- code
	return code
}

// An origin answers what it is told to.
type origin struct {
	*httptest.Server
	mu    sync.Mutex
	next  http.HandlerFunc
	asked []*http.Request
}

func newOrigin(tb testing.TB) *origin {
	o := new(origin)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.asked = append(o.asked, r.Clone(context.Background()))
		next := o.next
		o.mu.Unlock()
		next(w, r)
	}))
	tb.Cleanup(o.Close)
	return o
}

func (o *origin) does(h http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next = h
}

func (o *origin) calls() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.asked)
}

func (o *origin) last() *http.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[len(o.asked)-1]
}

// says answers "200 body|Name: value|...". A value that is "+1h" or "-1h" is a
// date so far from now; "Date: -" is no date; "down" hangs up.
func says(answer string) http.HandlerFunc {
	first, lines, _ := strings.Cut(answer, "|")
	if first == "down" {
		return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	}
	var status int
	var body string
	if _, err := fmt.Sscanf(first, "%d %s", &status, &body); err != nil && status == 0 {
		panic(answer)
	}
	h := header(lines)
	return func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), h)
		if h.Get("Date") == "-" {
			w.Header()["Date"] = nil
		}
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, body)
		}
	}
}

func header(lines string) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(lines, "|") {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		if d, err := time.ParseDuration(value); err == nil && (value[0] == '+' || value[0] == '-') {
			value = time.Now().Add(d).UTC().Format(http.TimeFormat)
		}
		h.Add(strings.TrimSpace(name), value)
	}
	return h
}

// client sends what it is given, and nothing of its own.
func client(tb testing.TB) *http.Client {
	t := &http.Transport{DisableCompression: true}
	tb.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// send sends "GET /path|Name: value|..." and reads the answer to its end.
func send(tb testing.TB, c *http.Client, base, request string) (*http.Response, string) {
	tb.Helper()
	line, lines, _ := strings.Cut(request, "|")
	method, path, _ := strings.Cut(line, " ")
	req, err := http.NewRequestWithContext(tb.Context(), method, base+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header = header(lines)
	req.Header["User-Agent"] = nil
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := c.Do(req)
	if err != nil {
		tb.Fatalf("%s: %v", request, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Errorf("%s: the body: %v", request, err)
	}
	return resp, string(body)
}

// dial opens a connection whose text a test writes itself.
func dial(tb testing.TB, url string) (net.Conn, *bufio.Reader) {
	tb.Helper()
	conn, err := new(net.Dialer).DialContext(tb.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		tb.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}
