package telemetry_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/transport"
)

// Here the claim is about sockets, so there are some.

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func fetch(t *testing.T, client *http.Client, req *http.Request) string {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, resp)
}

func TestEachHopOfARedirectIsACallAndTheCountGoesOn(t *testing.T) {
	l := listen(t)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			http.Redirect(w, r, "/b", http.StatusFound)
		case "/b":
			http.Redirect(w, r, "/c", http.StatusTemporaryRedirect)
		}
	})
	ctx, caller := l.traces.Tracer("caller").Start(t.Context(), "caller")
	client := &http.Client{Transport: l.chain(s.Client().Transport)}
	fetch(t, client, get(t, s.URL+"/a").WithContext(ctx))
	caller.End()

	calls := l.of(trace.SpanKindInternal)
	var told []string
	for i, a := range l.of(trace.SpanKindClient) {
		told = append(told, attr(a, "http.response.status_code")+" "+attr(a, "http.request.resend_count")+" "+strings.TrimPrefix(attr(a, "url.full"), s.URL))
		if a.Parent().SpanID() != calls[i].SpanContext().SpanID() || calls[i].Parent().SpanID() != caller.SpanContext().SpanID() {
			t.Errorf("hop %d is not a call of its own under the caller's span", i)
		}
	}
	if want := []string{"302  /a", "307 1 /b", "200 2 /c"}; !slices.Equal(told, want) {
		t.Errorf("hops %q, want %q", told, want)
	}
}

func TestTheServersSpanHangsUnderTheAttemptThatReachedIt(t *testing.T) {
	l := listen(t)
	server := l.traces.Tracer("server")
	var n atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		number := int(n.Add(1))
		_, span := server.Start(ctx, "server", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.Int("safetrip.test.number", number)))
		defer span.End()
		if number < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	rt := l.chain(s.Client().Transport, transport.Retry{BaseDelay: -1}.Wrap)
	send(t, rt, get(t, s.URL))
	s.Close() // all handlers have returned

	var servers []sdktrace.ReadOnlySpan
	for _, span := range l.spans.Ended() {
		if span.SpanKind() == trace.SpanKindServer {
			servers = append(servers, span)
		}
	}
	attempts := l.of(trace.SpanKindClient)
	if len(servers) != 3 || len(attempts) != 3 {
		t.Fatalf("%d spans of servers and %d of attempts, want 3 and 3", len(servers), len(attempts))
	}
	for i, span := range servers {
		if span.Parent().SpanID() != attempts[i].SpanContext().SpanID() {
			t.Errorf("the server's span %d is not under attempt %d", i, i)
		}
	}
}

func TestHTTP2IsTold(t *testing.T) {
	l := listen(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	if got := fetch(t, &http.Client{Transport: l.chain(s.Client().Transport)}, get(t, s.URL)); got != "HTTP/2.0" {
		t.Fatalf("the server spoke %s", got)
	}
	if got := attr(l.only(trace.SpanKindClient), "network.protocol.version"); got != "2" {
		t.Errorf("network.protocol.version is %q, want 2", got)
	}
}

func TestPeerIsTheAddressThatWasReached(t *testing.T) {
	l := listen(t)
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	a := l.attempt()
	a.OptIn.Peer = true
	called := false
	req := get(t, s.URL)
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { called = true }}))
	send(t, a.Wrap(s.Client().Transport), req)
	span := l.only(trace.SpanKindClient)
	if got := net.JoinHostPort(attr(span, "network.peer.address"), attr(span, "network.peer.port")); "http://"+got != s.URL {
		t.Errorf("peer %s, want %s", got, s.URL)
	}
	if !called {
		t.Error("the caller's own trace was not told")
	}
}

func TestWithoutAConnectionNothingIsClaimed(t *testing.T) {
	l := listen(t)
	s := httptest.NewServer(nil)
	s.Close()
	a := l.attempt()
	a.OptIn.Peer = true
	send(t, a.Wrap(&http.Transport{}), get(t, s.URL))
	span := l.only(trace.SpanKindClient)
	for _, key := range []string{"network.peer.address", "network.protocol.version", "http.response.status_code"} {
		if got := attr(span, key); got != "" {
			t.Errorf("%s is %s, and nobody was reached", key, got)
		}
	}
	if d := span.Status().Description; d != "dial: connection refused" {
		t.Errorf("described as %q", d)
	}
}

// An event stream of some length: with Body the span is as long as the stream,
// and the events arrive while it is open.
func TestBodyKeepsTheSpanOpen(t *testing.T) {
	l := listen(t)
	proceed := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			flush(t, w)
			<-proceed
		}
	})
	a := l.attempt()
	a.Body = true
	resp, err := l.call().Wrap(a.Wrap(s.Client().Transport)).RoundTrip(get(t, s.URL))
	if err != nil {
		t.Fatal(err)
	}
	events := bufio.NewScanner(resp.Body)
	for i := range 3 {
		events.Scan()
		if want := fmt.Sprintf("data: %d", i); events.Text() != want {
			t.Errorf("event %q, want %q, before the next is sent", events.Text(), want)
		}
		if len(l.of(trace.SpanKindClient)) != 0 || len(l.series("http.client.request.duration")) != 0 {
			t.Error("the attempt ended before its stream")
		}
		proceed <- struct{}{}
		events.Scan()
	}
	if events.Scan() || events.Err() != nil {
		t.Fatalf("after the last event: %q, %v", events.Text(), events.Err())
	}
	if span := l.only(trace.SpanKindClient); span.Status().Code != codes.Unset || attr(span, "http.response.status_code") != "200" {
		t.Errorf("status %v, code %s", span.Status(), attr(span, "http.response.status_code"))
	}
	if n := len(l.series("http.client.request.duration")); n != 1 {
		t.Errorf("%d durations", n)
	}
	resp.Body.Close()
}

func flush(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	if err := http.NewResponseController(w).Flush(); err != nil {
		t.Error(err)
	}
}

func TestBodyEndsTheSpanOnce(t *testing.T) {
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "some")
		flush(t, w)
		panic(http.ErrAbortHandler)
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		flush(t, w)
		<-r.Context().Done()
	}
	for _, c := range []struct {
		sentence  string
		serve     http.HandlerFunc
		use       func(t *testing.T, resp *http.Response, cancel context.CancelFunc)
		errorType string
	}{
		{"at its end, and Close after that changes nothing", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "all") },
			func(t *testing.T, resp *http.Response, _ context.CancelFunc) {
				t.Helper()
				read(t, resp)
			}, ""},
		{"with Close", endless, func(_ *testing.T, resp *http.Response, _ context.CancelFunc) { resp.Body.Close() }, ""},
		{"with an error, which is one of the call", cut, func(t *testing.T, resp *http.Response, _ context.CancelFunc) {
			t.Helper()
			if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("the read ended with %v", err)
			}
		}, "data"},
		{"when the caller cancels, though nobody reads or closes", endless, func(_ *testing.T, _ *http.Response, cancel context.CancelFunc) { cancel() }, ""},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			l := listen(t)
			s := serve(t, c.serve)
			a := l.attempt()
			a.Body = true
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			resp, err := a.Wrap(s.Client().Transport).RoundTrip(get(t, s.URL).WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			c.use(t, resp, cancel)
			eventually(t, "the span ends", func() bool { return len(l.of(trace.SpanKindClient)) == 1 })
			span := l.only(trace.SpanKindClient)
			if got := attr(span, "error.type"); got != c.errorType {
				t.Errorf("error.type %q, want %q", got, c.errorType)
			}
			if span.Status().Code == codes.Error != (c.errorType != "") {
				t.Errorf("status %v", span.Status())
			}
			eventually(t, "the duration is recorded", func() bool { return len(l.series("http.client.request.duration")) == 1 })
			resp.Body.Close()
			cancel()
			if n := l.histogram("http.client.request.duration").Count; n != 1 {
				t.Errorf("%d durations of one attempt", n)
			}
		})
	}
}

// A connection that changed its protocol stays one that can be written to.
func TestSwitchedProtocolsStayWritable(t *testing.T) {
	l := listen(t)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		say(t, conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := rw.ReadString('\n')
		say(t, conn, line)
	})
	a := l.attempt()
	a.Body, a.OptIn.BodySizes = true, true
	req := get(t, s.URL)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := a.Wrap(s.Client().Transport).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	conn, ok := resp.Body.(io.Writer)
	if !ok {
		t.Fatal("the connection cannot be written to")
	}
	say(t, conn, "hello\n")
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "hello\n" {
		t.Errorf("the echo is %q, %v", line, err)
	}
}

// eventually waits for something that another goroutine is about to do.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(aWhile); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", aWhile, what)
		}
		<-time.After(time.Millisecond)
	}
}
