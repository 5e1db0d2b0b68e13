package safetrip_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// quiet is a Config that logs nothing.
func quiet() safetrip.Config {
	return safetrip.Config{Logger: slog.New(slog.DiscardHandler)}
}

// impatient is one that does not wait between attempts.
func impatient() safetrip.Config {
	cfg := quiet()
	cfg.Retry = transport.Retry{BaseDelay: -1, Budget: &transport.Budget{Ratio: -1}}
	return cfg
}

func newAgent(t testing.TB, cfg safetrip.Config) *safetrip.Agent {
	t.Helper()
	agent, err := safetrip.New("test", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Close() })
	return agent
}

func get(t *testing.T, client *http.Client, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestTheDefaultAgentKeepsTheContract(t *testing.T) {
	// Not in parallel: some of the rules measure memory.
	for _, tt := range []struct {
		name  string
		suite rttest.Suite
	}{
		{"over HTTP/1.1", rttest.Suite{}},
		{"over HTTP/2", rttest.Suite{HTTP2: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.suite.Run(t, func(base http.RoundTripper) http.RoundTripper {
				cfg := quiet()
				cfg.Base = base
				cfg.Retry.BaseDelay = time.Millisecond
				cfg.Retry.MaxHint = time.Millisecond
				return newAgent(t, cfg).Transport()
			})
		})
	}
}

func TestEachEventOfAStreamArrivesBeforeTheNextIsSent(t *testing.T) {
	t.Parallel()
	received := make(chan string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 5 {
			event := fmt.Sprintf("data: %d", i)
			fmt.Fprintf(w, "%s\n\n", event)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			select {
			case got := <-received: // the next one is not sent before this one was read
				if got != event {
					t.Errorf("the client read %q while the server had sent %q", got, event)
				}
			case <-r.Context().Done():
				t.Error("the client went away")
				return
			}
		}
	}))
	defer server.Close()

	cfg := quiet()
	cfg.Buffer = &transport.Buffer{} // even so
	client := newAgent(t, cfg).Client()
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	n := 0
	for lines.Scan() {
		if lines.Text() != "" {
			n++
			received <- lines.Text()
		}
	}
	if n != 5 || lines.Err() != nil {
		t.Errorf("read %d events, %v; want 5", n, lines.Err())
	}
}

func TestAnotherUsersAnswerIsNeverServed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		way        string
		alice, bob []string // header, value
		vary       string
	}{
		{"Authorization", []string{"Authorization", "Bearer alice"}, []string{"Authorization", "Bearer bob"}, ""},
		{"Authorization, which the service says it varies by", []string{"Authorization", "Bearer alice"}, []string{"Authorization", "Bearer bob"}, "Authorization"},
		{"a cookie", []string{"Cookie", "session=alice"}, []string{"Cookie", "session=bob"}, ""},
		{"an API key", []string{"X-Api-Key", "alice"}, []string{"X-Api-Key", "bob"}, ""},
		{"a header that the service says it varies by", []string{"X-Tenant", "alice"}, []string{"X-Tenant", "bob"}, "X-Tenant"},
		{"credentials that the other does not have", []string{"Authorization", "Bearer alice"}, nil, ""},
	} {
		t.Run(tt.way, func(t *testing.T) {
			t.Parallel()
			var down atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if down.Load() {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				if tt.vary != "" {
					w.Header().Set("Vary", tt.vary)
				}
				fmt.Fprintf(w, "for %s", tt.alice[1])
			}))
			defer server.Close()
			cfg := impatient()
			cfg.Disable = safetrip.Breaker // Bob is to meet the service's own 503
			client := newAgent(t, cfg).Client()

			if _, body := get(t, client, server.URL, tt.alice...); body != "for "+tt.alice[1] {
				t.Fatalf("Alice was answered %q", body)
			}
			down.Store(true)
			if resp, body := get(t, client, server.URL, tt.alice...); resp.StatusCode != http.StatusOK || body != "for "+tt.alice[1] {
				t.Errorf("with the service down, Alice was answered %d %q; want her own answer", resp.StatusCode, body)
			}
			if resp, body := get(t, client, server.URL, tt.bob...); resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "alice") {
				t.Errorf("with the service down, Bob was answered %d %q; want the 503", resp.StatusCode, body)
			}
		})
	}
}

func TestAnOutageIsAnswered(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "fresh")
	}))
	defer server.Close()
	cfg := impatient()
	cfg.Steps = []fallback.Step{fallback.JSON(http.StatusOK, "made up")}
	agent := newAgent(t, cfg)
	client := agent.Client()

	get(t, client, server.URL+"/known")
	down.Store(true)
	for _, tt := range []struct {
		call, path, body string
		source           transport.Source
	}{
		{"what was seen before comes from the cache", "/known", "fresh", transport.SourceCache},
		{"what was not is made up", "/unknown", `"made up"`, transport.SourceStatic},
		{"and so it is behind an open circuit", "/unknown", `"made up"`, transport.SourceStatic},
	} {
		t.Run(tt.call, func(t *testing.T) {
			ctx, trip := transport.NewTrip(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || string(body) != tt.body {
				t.Errorf("read %q, %v; want %q", body, err, tt.body)
			}
			if got := trip.Answer(); got.Source != tt.source || got.Level != transport.Degraded {
				t.Errorf("answer %+v; want it from %s, degraded", got, tt.source)
			}
			if resp.Header.Get("Cache-Status") == "" {
				t.Error("no Cache-Status says where the answer came from")
			}
		})
	}
	if got := agent.Report().Answers; got[transport.SourceOrigin] != 1 || got[transport.SourceCache] != 1 || got[transport.SourceStatic] != 2 {
		t.Errorf("answers by source: %v; want 1 of the service, 1 of the cache, 2 made up", got)
	}
	if s := agent.Report(); len(s.Circuits) != 1 || s.Circuits[0].State != transport.Open {
		t.Errorf("circuits %+v; want one, open", s.Circuits)
	}
}

func TestACutBodyCountsIfItIsReadAhead(t *testing.T) {
	for _, test := range []struct {
		name   string
		buffer *transport.Buffer
		want   transport.State
	}{
		{"it is a failure of the service", new(transport.Buffer), transport.Open},
		{"otherwise the headers have been heard when it is cut", nil, transport.Closed},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := impatient()
			cfg.Buffer, cfg.Breaker = test.buffer, new(transport.Breaker)
			cfg.Base = transport.Func(func(req *http.Request) (*http.Response, error) {
				body := io.MultiReader(strings.NewReader("half of "), iotest.ErrReader(io.ErrUnexpectedEOF))
				return &http.Response{StatusCode: 200, Body: io.NopCloser(body), ContentLength: 16, Request: req}, nil
			})
			client := newAgent(t, cfg).Client()
			for range 5 {
				if resp, err := client.Get("http://service.test"); err == nil {
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}
			if all := cfg.Breaker.States(); len(all) != 1 || all[0].State != test.want {
				t.Errorf("the circuits are %+v, want one that is %v", all, test.want)
			}
		})
	}
}

func TestZeroConfigIsTheProductionDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempts []time.Duration
		began := time.Now()
		cfg := quiet()
		cfg.Base = transport.Func(func(r *http.Request) (*http.Response, error) {
			attempts = append(attempts, time.Since(began))
			return &http.Response{StatusCode: 503, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
		})
		cfg.Disable = safetrip.Health
		agent := newAgent(t, cfg)
		resp, err := agent.Client().Get("http://example.com/")
		if err != nil || resp.StatusCode != 503 {
			t.Fatalf("got %v, %v; want the last 503", resp, err)
		}
		resp.Body.Close()
		if len(attempts) != 3 {
			t.Fatalf("%d attempts; want 3", len(attempts))
		}
		for i, base := range []time.Duration{time.Second, 2 * time.Second} {
			if wait := attempts[i+1] - attempts[i]; wait < base/2 || wait > base {
				t.Errorf("wait %d was %v; want from %v to %v", i+1, wait, base/2, base)
			}
		}
		agent.Close()
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := safetrip.New("", safetrip.Config{
		Retry:   transport.Retry{BaseDelay: time.Hour, MaxDelay: time.Second, RetryUnsafeOn: []int{200}},
		Breaker: &transport.Breaker{Probes: -1},
		Cache:   &fallback.Cache{MaxBytes: -1},
		Steps:   []fallback.Step{{}},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"name", "Retry.BaseDelay", "RetryUnsafeOn", "Breaker.Probes", "Cache.MaxBytes", "Config.Steps"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not speak of %s:\n%v", want, err)
		}
	}
}

func TestALongBaseDelayRaisesMaxDelay(t *testing.T) {
	cfg := quiet()
	cfg.Retry.BaseDelay = time.Minute // more than an Agent's MaxDelay is by default
	newAgent(t, cfg)
}

func TestCallsPassAfterClose(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	defer server.Close()
	agent := newAgent(t, quiet())
	for range 2 {
		if err := agent.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, body := get(t, agent.Client(), server.URL); body != "ok" {
		t.Errorf("read %q", body)
	}
}

func TestCloseEndsEverythingThatNewBegan(t *testing.T) {
	t.Parallel()
	// A bubble ends only when all of its goroutines have.
	synctest.Test(t, func(t *testing.T) {
		agent, err := safetrip.New("test", quiet())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if r := agent.Report(); r.Uptime < 100 {
			t.Errorf("the checks ran for %v s; want the two minutes", r.Uptime)
		}
		if err := agent.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAgentsMayShareACacheABreakerAndABudget(t *testing.T) {
	t.Parallel()
	cfg := impatient()
	cfg.Base = scripted(map[string]int{"a.test": 503})
	cfg.Breaker, cfg.Cache = new(transport.Breaker), new(fallback.Cache)
	cfg.Services = map[string]safetrip.Config{"a": {Breaker: cfg.Breaker, Cache: cfg.Cache, Retry: cfg.Retry}}
	var agents sync.WaitGroup
	for range 4 { // at once: none of them writes to what they share
		agents.Go(func() {
			agent, err := safetrip.New("test", cfg)
			if err != nil {
				t.Error(err)
				return
			}
			defer agent.Close()
			attempts(t, agent.Transport(), "http://a.test")
			attempts(t, agent.Service("a").Transport(), "http://a.test")
		})
	}
	agents.Wait()
	if n := len(cfg.Breaker.States()); n != 2 {
		t.Errorf("there are %d circuits; want that of the host, and that of the service", n)
	}
}

func TestAgentsMayShareAMonitor(t *testing.T) {
	t.Parallel()
	for range 20 { // the race detector is to see what the first one's checks read as they begin
		cfg := quiet()
		cfg.Health = new(healthz.Monitor)
		first := newAgent(t, cfg)
		runtime.Gosched()
		second, err := safetrip.New("second", cfg)
		if err != nil {
			t.Fatal(err)
		}
		if name := second.Report().Agent; name != "test" {
			t.Errorf("the report is of %q; want it of the first Agent", name)
		}
		second.Close()
		first.Close()
	}
}

func TestDisableLeavesPartsOut(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	cfg := impatient()
	cfg.Base = transport.Func(func(r *http.Request) (*http.Response, error) {
		calls.Add(1)
		return nil, errors.New("down")
	})
	cfg.Disable = safetrip.Retry | safetrip.Breaker | safetrip.Fallback | safetrip.Recording | safetrip.Timeout | safetrip.Telemetry | safetrip.Health
	agent := newAgent(t, cfg)
	for range 10 {
		if _, err := agent.Client().Get("http://example.com/"); err == nil || errors.Is(err, transport.ErrCircuitOpen) {
			t.Fatalf("got %v", err)
		}
	}
	if calls.Load() != 10 {
		t.Errorf("%d attempts; want 10", calls.Load())
	}
	if r := agent.Report(); len(r.Circuits) > 0 || len(r.Ladders) > 0 {
		t.Errorf("the report has %v and %v", r.Circuits, r.Ladders)
	}
}

// TestTheHappyPathAllocatesNothing holds the default chain, without telemetry
// and Timeout, to what its base allocates.
func TestTheHappyPathAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, tt := range []struct {
		answer string
		resp   http.Response
	}{
		{"without a body", http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}},
		{"that cannot be stored", http.Response{
			StatusCode: 200, Body: io.NopCloser(strings.NewReader("x")), ContentLength: 1,
			Header: http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/json"}},
		}},
	} {
		t.Run(tt.answer, func(t *testing.T) {
			cfg := quiet()
			cfg.Base = transport.Func(func(*http.Request) (*http.Response, error) { return &tt.resp, nil })
			cfg.Disable = safetrip.Telemetry | safetrip.Timeout
			rt := newAgent(t, cfg).Transport()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://example.com/users/1?full=true", nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"Accept", "Accept-Encoding", "Authorization", "User-Agent", "X-Request-Id", "X-Tenant"} {
				req.Header.Set(name, "value")
			}
			if n := testing.AllocsPerRun(1000, func() {
				if _, err := rt.RoundTrip(req); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%v allocations a call; want 0", n)
			}
		})
	}
}
