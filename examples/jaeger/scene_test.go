package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/examples/internal/jaeger"
	"github.com/safetrip-go/safetrip/internal/conventions"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// needJaeger skips a test where there is no Jaeger to run.
func needJaeger(t *testing.T) (path string) {
	t.Helper()
	if path = jaeger.Find(); path != "" {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no Jaeger")
	}
	t.Skip("there is no Jaeger; make deps builds one")
	return ""
}

// startJaeger starts a real one for a test and all of its subtests.
func startJaeger(t *testing.T) *jaeger.Server {
	t.Helper()
	s, err := jaeger.Start(context.WithoutCancel(t.Context()), needJaeger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// A scene is a program that calls a service, both of which send their spans to
// Jaeger, each through a provider of its own.
type scene struct {
	*testing.T
	jaeger          *jaeger.Server
	program, server *sdktrace.TracerProvider
	services        []*httptest.Server
	leader          string // id of the trace of a call that others followed
}

func newScene(t *testing.T, j *jaeger.Server) *scene {
	t.Helper()
	program, err := provider(t.Context(), j.OTLP, "program")
	if err != nil {
		t.Fatal(err)
	}
	server, err := provider(t.Context(), j.OTLP, "server")
	if err != nil {
		t.Fatal(err)
	}
	return &scene{T: t, jaeger: j, program: program, server: server}
}

// serve starts a service whose requests are spans, as otelhttp makes them.
func (s *scene) serve(h http.HandlerFunc, options ...func(*httptest.Server)) *httptest.Server {
	s.Helper()
	server := httptest.NewUnstartedServer(otelhttp.NewHandler(h, "",
		otelhttp.WithTracerProvider(s.server), otelhttp.WithPropagators(propagator),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return "serve " + r.URL.Path })))
	start := server.Start
	for _, o := range options {
		o(server)
		start = server.StartTLS
	}
	start()
	s.Cleanup(server.Close)
	s.services = append(s.services, server)
	return server
}

func http2(s *httptest.Server) { s.EnableHTTP2 = true }

// client returns one with an Agent's transport. What takes long in earnest
// takes a millisecond here.
func (s *scene) client(cfg safetrip.Config) *http.Client {
	s.Helper()
	cfg.Call.TracerProvider, cfg.Attempt.TracerProvider = s.program, s.program
	cfg.Attempt.Propagator = propagator
	cfg.Retry.BaseDelay = time.Millisecond
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.Disable |= safetrip.Health
	agent, err := safetrip.New("program", cfg)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { agent.Close() })
	return agent.Client()
}

// within runs act under a span of the caller's, and returns the id of its
// trace.
func (s *scene) within(act func(ctx context.Context)) (traceID string) {
	ctx, caller := s.program.Tracer("caller").Start(s.Context(), "caller")
	act(ctx)
	caller.End()
	return caller.SpanContext().TraceID().String()
}

// end lets both sides finish, and sends what they have.
func (s *scene) end() {
	s.Helper()
	for _, server := range s.services {
		server.Close() // when all handlers have returned
	}
	for _, p := range []*sdktrace.TracerProvider{s.program, s.server} {
		if err := p.Shutdown(s.Context()); err != nil {
			s.Error(err)
		}
	}
}

// read returns a trace as Jaeger has it. Every span of the kit in it is held to
// the conventions.
func (s *scene) read(traceID string) []jaeger.Span {
	s.Helper()
	spans, err := s.jaeger.Trace(s.Context(), traceID)
	if err != nil {
		s.Fatal(err)
	}
	for _, span := range spans {
		if span.Scope != telemetry.ScopeName {
			continue
		}
		err := tables().Span(conventions.Span{
			Name: span.Name, Kind: span.Kind.String(), Attributes: span.Attributes, Status: span.Status, Description: span.Description,
		})
		if err != nil {
			s.Error(err)
		}
	}
	return spans
}

var tables = sync.OnceValue(func() *conventions.Table {
	t, err := conventions.Read("../../testdata/telemetry")
	if err != nil {
		panic(err)
	}
	return t
})

// get makes a call and reads the answer to its end.
func (s *scene) get(ctx context.Context, client *http.Client, url string) {
	s.Helper()
	if resp := s.open(ctx, client, url); resp != nil {
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			s.Error(err)
		}
	}
}

// open makes a call and leaves the body to the caller. What went wrong is for
// the trace to say.
func (s *scene) open(ctx context.Context, client *http.Client, url string) *http.Response {
	s.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		s.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		s.Logf("the caller got: %s", transport.FailureOf(req, nil, err).Category)
		return nil
	}
	return resp
}

// of returns the spans of a kind that the kit made, in the order of their
// starts.
func of(spans []jaeger.Span, kind trace.SpanKind) (some []jaeger.Span) {
	for _, s := range spans {
		if s.Kind == kind && s.Scope == telemetry.ScopeName {
			some = append(some, s)
		}
	}
	return some
}
