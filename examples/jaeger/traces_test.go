package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/examples/internal/jaeger"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// What a person sees who looks a call up in Jaeger: the whole way round, from
// the kit through OTLP into a real Jaeger and out of its API again.
func TestTracesInJaeger(t *testing.T) {
	j := startJaeger(t)
	for _, c := range []struct {
		sentence string
		play     func(s *scene) (traceID string)
		outline  string
		more     func(s *scene, spans []jaeger.Span)
	}{
		{"two failures and a success are one trace", func(s *scene) string {
			return s.retried(s.serve(failing(2)).URL, safetrip.Config{})
		}, `
caller            internal
└─ GET            internal  200 attempts=3 source=origin +safetrip.retry +safetrip.retry
   ├─ GET         client    503 error.type=503 ERROR
   │  └─ serve /  server    503 ERROR
   ├─ GET         client    503 error.type=503 resend_count=1 ERROR
   │  └─ serve /  server    503 ERROR
   └─ GET         client    200 resend_count=2
      └─ serve /  server    200`, protocol("1.1")},
		{"over HTTP/2 as well", func(s *scene) string {
			server := s.serve(failing(2), http2)
			return s.retried(server.URL, safetrip.Config{Base: server.Client().Transport})
		}, `
caller            internal
└─ GET            internal  200 attempts=3 source=origin +safetrip.retry +safetrip.retry
   ├─ GET         client    503 error.type=503 ERROR
   │  └─ serve /  server    503 ERROR
   ├─ GET         client    503 error.type=503 resend_count=1 ERROR
   │  └─ serve /  server    503 ERROR
   └─ GET         client    200 resend_count=2
      └─ serve /  server    200`, protocol("2")},
		{"each hop of a redirect is a call, and the count goes on", func(s *scene) string {
			fails := failing(1)
			server := s.serve(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/a":
					http.Redirect(w, r, "/b", http.StatusFound)
				case "/b":
					http.Redirect(w, r, "/c", http.StatusTemporaryRedirect)
				default:
					fails(w, r)
				}
			})
			return s.retried(server.URL+"/a", safetrip.Config{})
		}, `
caller             internal
├─ GET             internal  302 attempts=1 source=origin
│  └─ GET          client    302
│     └─ serve /a  server    302
├─ GET             internal  307 attempts=1 source=origin
│  └─ GET          client    307 resend_count=1
│     └─ serve /b  server    307
└─ GET             internal  200 attempts=2 source=origin +safetrip.retry
   ├─ GET          client    503 error.type=503 resend_count=2 ERROR
   │  └─ serve /c  server    503 ERROR
   └─ GET          client    200 resend_count=3
      └─ serve /c  server    200`, nil},
		{"an open circuit is a call without attempts", func(s *scene) string {
			server := s.serve(failing(1))
			client := s.client(safetrip.Config{Breaker: &transport.Breaker{FailureThreshold: 1}, Disable: safetrip.Retry})
			s.get(s.Context(), client, server.URL)
			return s.within(func(ctx context.Context) { s.get(ctx, client, server.URL) })
		}, `
caller  internal
└─ GET  internal  error.type=circuit_open attempts=0 circuit=open ERROR`, nil},
		{"a stale answer stands in for those that failed", func(s *scene) string {
			var down atomic.Bool
			server := s.serve(func(w http.ResponseWriter, _ *http.Request) {
				if down.Load() {
					w.WriteHeader(http.StatusBadGateway)
				}
				io.WriteString(w, "well")
			})
			client := s.client(safetrip.Config{Retry: transport.Retry{MaxAttempts: 2}})
			s.get(s.Context(), client, server.URL)
			down.Store(true)
			return s.within(func(ctx context.Context) { s.get(ctx, client, server.URL) })
		}, `
caller            internal
└─ GET            internal  200 attempts=2 source=cache step=cached level=degraded gave_up=attempts +safetrip.retry
   ├─ GET         client    502 error.type=502 ERROR
   │  └─ serve /  server    502 ERROR
   └─ GET         client    502 error.type=502 resend_count=1 ERROR
      └─ serve /  server    502 ERROR`, nil},
		{"a call that shares another's answer is linked to it", func(s *scene) string {
			arrived, answer := make(chan struct{}), make(chan struct{})
			// The service answers when the second call has had the time to find the first.
			var calls atomic.Int32
			count := func(next http.RoundTripper) http.RoundTripper {
				return transport.Func(func(req *http.Request) (*http.Response, error) {
					if calls.Add(1) == 2 {
						time.AfterFunc(500*time.Millisecond, func() { close(answer) })
					}
					return next.RoundTrip(req)
				})
			}
			server := s.serve(func(w http.ResponseWriter, _ *http.Request) {
				close(arrived)
				<-answer
				w.Header().Set("Cache-Control", "max-age=60")
				io.WriteString(w, "well")
			})
			client := s.client(safetrip.Config{Cache: &fallback.Cache{ServeFresh: true, Coalesce: true}, PerCall: []transport.Middleware{count}})
			led := make(chan string)
			go func() {
				led <- s.within(func(ctx context.Context) { s.get(ctx, client, server.URL) })
			}()
			<-arrived
			id := s.within(func(ctx context.Context) { s.get(ctx, client, server.URL) })
			s.leader = <-led
			return id
		}, `
caller  internal
└─ GET  internal  200 attempts=0 source=cache +link`, func(s *scene, spans []jaeger.Span) {
			leader := of(s.read(s.leader), trace.SpanKindInternal)[0]
			if links := of(spans, trace.SpanKindInternal)[0].Links; len(links) != 1 || links[0] != (jaeger.Link{TraceID: leader.TraceID, SpanID: leader.ID}) {
				s.Errorf("links %v, want one to %s of %s", links, leader.ID, leader.TraceID)
			}
		}},
		{"a call that its caller cancels is no error", func(s *scene) string {
			arrived := make(chan struct{})
			server := s.serve(func(_ http.ResponseWriter, r *http.Request) {
				close(arrived)
				<-r.Context().Done()
			})
			client := s.client(safetrip.Config{})
			return s.within(func(ctx context.Context) {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				go func() {
					<-arrived
					cancel()
				}()
				s.get(ctx, client, server.URL)
			})
		}, `
caller            internal
└─ GET            internal  attempts=1 gave_up=canceled
   └─ GET         client
      └─ serve /  server    200`, nil},
		{"a body that is never closed loses no span", func(s *scene) string {
			server := s.serve(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "well") })
			client := s.client(safetrip.Config{})
			return s.within(func(ctx context.Context) {
				resp := s.open(ctx, client, server.URL)
				s.Cleanup(func() { resp.Body.Close() }) // long after all has been sent
			})
		}, `
caller            internal
└─ GET            internal  200 attempts=1 source=origin
   └─ GET         client    200
      └─ serve /  server    200`, nil},
		{"a stream with Body is a span of its true length", func(s *scene) string {
			server := s.serve(streaming)
			client := s.client(safetrip.Config{Attempt: telemetry.Attempt{Body: true}})
			return s.within(func(ctx context.Context) {
				resp := s.open(ctx, client, server.URL)
				defer resp.Body.Close()
				if events, err := io.ReadAll(resp.Body); strings.Count(string(events), "data:") != 5 || err != nil {
					s.Errorf("the stream was %q, %v", events, err)
				}
			})
		}, `
caller            internal
└─ GET            internal  200 attempts=1 source=origin
   └─ GET         client    200
      └─ serve /  server    200`, func(s *scene, spans []jaeger.Span) {
			span := of(spans, trace.SpanKindClient)[0]
			if d := span.End.Sub(span.Start); d < 2*time.Second || d > 4*time.Second {
				s.Errorf("the stream of 2 s is a span of %v", d)
			}
		}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, j)
			id := c.play(s)
			s.end()
			spans := s.read(id)
			if got, want := jaeger.Outline(spans, jaeger.Facts), strings.TrimPrefix(c.outline, "\n")+"\n"; got != want {
				t.Errorf("the trace is\n%s\nwant\n%s", got, want)
			}
			if c.more != nil {
				c.more(s, spans)
			}
		})
	}
}

// retried makes a call with an Agent's client.
func (s *scene) retried(url string, cfg safetrip.Config) string {
	client := s.client(cfg)
	return s.within(func(ctx context.Context) { s.get(ctx, client, url) })
}

// failing answers 503 n times, and then 200.
func failing(n int32) http.HandlerFunc {
	var left atomic.Int32
	left.Store(n)
	return func(w http.ResponseWriter, _ *http.Request) {
		if left.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
}

// streaming sends five events in two seconds.
func streaming(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(400 * time.Millisecond)
	defer tick.Stop()
	for range 5 {
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
		io.WriteString(w, "data: hello\n\n")
		_ = http.NewResponseController(w).Flush()
	}
}

// protocol expects all attempts to have been made by one.
func protocol(version string) func(*scene, []jaeger.Span) {
	return func(s *scene, spans []jaeger.Span) {
		for _, a := range of(spans, trace.SpanKindClient) {
			if got := a.Value("network.protocol.version"); got != version {
				s.Errorf("network.protocol.version is %q, want %q", got, version)
			}
		}
	}
}
