package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// The truth is what really happened, as services and callers counted it.
type truth struct {
	mu       sync.Mutex     // guards the rest
	requests map[string]int // that arrived, by port and status
	answers  map[string]int // that callers got, by source and level
	failures map[string]int // that callers were left with, by category and severity
	gaveUp   map[string]int // by reason
	changes  map[string]int // of circuits, by the new state
	calls    int
	retries  int
	refused  int // attempts, by a circuit
	stepped  int // answers by a step of a ladder
}

func newTruth() *truth {
	return &truth{
		requests: map[string]int{}, answers: map[string]int{}, failures: map[string]int{}, gaveUp: map[string]int{}, changes: map[string]int{},
	}
}

func (t *truth) arrived(r *http.Request, status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := url.URL{Host: r.Host}
	t.requests[fmt.Sprint(u.Port(), " ", status)]++
}

func (t *truth) changed(c transport.Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes[c.To.String()]++
}

// got counts a call by what its caller sees and what its Trip says.
func (t *truth) got(req *http.Request, resp *http.Response, err error, trip *transport.Trip) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	sent := 0
	for _, a := range trip.Attempts() {
		if a.Verdict.Category == transport.CircuitOpen {
			t.refused++
		} else {
			sent++
		}
	}
	t.retries += max(0, sent-1)
	answer := trip.Answer()
	if answer.Step != "" {
		t.stepped++
	}
	if answer.Source == "" && err == nil {
		answer.Source = transport.SourceOrigin
	}
	if err != nil {
		answer.Source = ""
	}
	if answer.Source == "" {
		t.answers[answer.Level.String()]++
	} else {
		t.answers[string(answer.Source)+" "+answer.Level.String()]++
	}
	if v := transport.Classify(req, resp, err); v.Category != transport.OK {
		t.failures[v.Category.String()+" "+v.Severity.String()]++
	}
	if r := trip.GaveUp(); r != "" {
		t.gaveUp[string(r)]++
	}
}

// A load is agents that call services, good and bad ones, for some seconds, so
// that each panel has something to show and each alert a reason.
type load struct {
	t       *testing.T
	truth   *truth
	metrics *metric.MeterProvider
	traces  *sdktrace.TracerProvider
}

// run makes the load. It calls scraped, which waits for Prometheus, after each
// of its phases.
func (l *load) run(scraped func()) {
	quick := l.agent("quick", safetrip.Config{
		// Circuits that open and close all the time, and a cache that holds ten.
		Breaker: &transport.Breaker{OpenFor: 30 * time.Millisecond, MaxOpenFor: 60 * time.Millisecond},
		Cache:   &fallback.Cache{MaxBytes: 5_000},
	})
	patient := l.agent("patient", safetrip.Config{Breaker: &transport.Breaker{}, Timeout: transport.Timeout{Headers: time.Minute}})

	good := l.service(func(*http.Request) int { return 200 })
	down := l.service(func(*http.Request) int { return 503 })
	downToo := l.service(func(*http.Request) int { return 500 })
	// What was to be had once is in the cache afterwards.
	var had sync.Map
	once := l.service(func(r *http.Request) int {
		if _, again := had.LoadOrStore(r.URL.Path, true); again {
			return 502
		}
		return 200
	})
	slow := l.service(func(r *http.Request) int {
		select {
		case <-time.After(5200 * time.Millisecond):
		case <-r.Context().Done():
		}
		return 200
	})
	// Each call's first attempt fails: a circuit stays closed, a budget does not last.
	var seen sync.Map
	flaky := l.service(func(r *http.Request) int {
		if _, again := seen.LoadOrStore(r.URL.Path, true); again {
			return 200
		}
		return 503
	})

	// A series begins with what it is when it is first scraped. For Prometheus to
	// see anything grow, it has to look in between: so there are phases.
	var slowly sync.WaitGroup
	slowly.Go(func() { l.calls(patient, slow, 1) })
	for phase := range 4 {
		var work sync.WaitGroup
		for _, c := range []struct {
			agent *safetrip.Agent
			url   string
			calls int
		}{
			{quick, fmt.Sprint(good, "/", phase), 30}, {quick, down, 60}, {quick, fmt.Sprint(flaky, "/", phase), 12},
			{patient, once, 40}, {patient, downToo, 12},
		} {
			work.Go(func() { l.calls(c.agent, c.url, c.calls) })
		}
		work.Wait()
		scraped()
	}
	slowly.Wait()
	scraped()
	l.calls(patient, slow+"/again", 80)
	scraped()
}

// calls makes calls, evenly over a second, each for a path of its own.
func (l *load) calls(agent *safetrip.Agent, url string, n int) {
	tick := time.NewTicker(time.Second / time.Duration(n))
	defer tick.Stop()
	var work sync.WaitGroup
	for i := range n {
		<-tick.C
		work.Go(func() { l.call(agent, fmt.Sprint(url, "/", i)) })
	}
	work.Wait()
}

func (l *load) call(agent *safetrip.Agent, url string) {
	ctx, trip := transport.NewTrip(context.WithoutCancel(l.t.Context()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		l.t.Error(err)
		return
	}
	resp, err := agent.Transport().RoundTrip(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	l.truth.got(req, resp, err, trip)
}

// agent returns one that waits milliseconds where others wait seconds.
func (l *load) agent(name string, cfg safetrip.Config) *safetrip.Agent {
	l.t.Helper()
	cfg.Call.MeterProvider, cfg.Attempt.MeterProvider = l.metrics, l.metrics
	cfg.Call.TracerProvider, cfg.Attempt.TracerProvider = l.traces, l.traces
	cfg.Retry.BaseDelay = time.Millisecond
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.Health = &healthz.Monitor{Interval: 100 * time.Millisecond}
	count := telemetry.CircuitChanges(l.metrics)
	cfg.Breaker.OnChange = func(c transport.Change) {
		count(c)
		l.truth.changed(c)
	}
	agent, err := safetrip.New(name, cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { agent.Close() })
	return agent
}

// service starts one that answers with the status that decide returns.
func (l *load) service(decide func(*http.Request) int) (url string) {
	l.t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := decide(r)
		l.truth.arrived(r, status)
		w.WriteHeader(status)
		io.WriteString(w, "what it has to say")
	}))
	l.t.Cleanup(s.Close)
	return s.URL
}
