package safetrip_test

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func TestReconfigure(t *testing.T) {
	statuses := map[string]int{"a.test": 503, "b.test": 200}
	cfg := impatient()
	cfg.Base = scripted(statuses)
	cfg.Services = map[string]safetrip.Config{"b": {Hosts: []string{"b.test"}}}
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		client, b := agent.Transport(), agent.Service("b")
		for range 2 {
			attempts(t, client, "http://a.test")
		}
		attempts(t, client, "http://b.test")
		time.Sleep(10 * time.Second)

		next := impatient()
		next.Base = cfg.Base
		next.Retry.MaxAttempts = 2
		if err := agent.Reconfigure(next); err != nil {
			t.Fatal(err)
		}

		// Clients that were got before go on with it.
		statuses["c.test"] = 503
		if n := attempts(t, client, "http://c.test"); n != 2 {
			t.Errorf("%d attempts, want 2 as the new settings have it", n)
		}

		// What is open stays open, for as long.
		c := agent.Report().Circuits[0]
		if c.Key != "http://a.test" || c.State != transport.Open || c.Left != 50*time.Second {
			t.Errorf("the first circuit is %+v; want a.test's, open for 50 s more", c)
		}

		// Counts live on.
		if n := agent.Report().Performance.Total; n != 4 {
			t.Errorf("%d calls, want those of before too: 4", n)
		}

		// A service that is gone is unknown.
		err := b.Do(t.Context(), "x", func(context.Context) error { return nil })
		if _, ok := errors.AsType[*safetrip.UnknownServiceError](err); !ok {
			t.Errorf("the error is %v", err)
		}

		// A fault changes nothing.
		bad := impatient()
		bad.Retry.MaxDelay = -1
		bad.Services = map[string]safetrip.Config{"B": {}}
		err = agent.Reconfigure(bad)
		if err == nil || !strings.Contains(err.Error(), "MaxDelay") || !strings.Contains(err.Error(), `Services["B"]`) {
			t.Errorf("the error is %v; want both faults", err)
		}
		statuses["d.test"] = 503
		if n := attempts(t, client, "http://d.test"); n != 2 {
			t.Errorf("%d attempts, want 2 as before", n)
		}

		// Not once it is closed.
		agent.Close()
		if err := agent.Reconfigure(next); !errors.Is(err, safetrip.ErrClosed) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestReconfigureWhileACallIsOnItsWay(t *testing.T) {
	asked := make(chan chan int)
	cfg := impatient()
	cfg.Base = transport.Func(func(req *http.Request) (*http.Response, error) {
		code := make(chan int)
		asked <- code
		return &http.Response{StatusCode: <-code, Header: make(http.Header), Body: http.NoBody, Request: req}, nil
	})
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		done := make(chan int)
		go func() { done <- attempts(t, agent.Transport(), "http://a.test") }()
		first := <-asked
		next := cfg
		next.Disable = safetrip.Retry
		if err := agent.Reconfigure(next); err != nil {
			t.Fatal(err)
		}
		first <- 503
		(<-asked) <- 503
		(<-asked) <- 200
		if n := <-done; n != 3 {
			t.Errorf("the call made %d attempts; want 3, by the settings that it began with", n)
		}
	})
}

// storable is a base whose answers can be kept, while it is up.
func storable(up *bool) transport.Func {
	return func(req *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		if !*up {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else {
			w.WriteString("stored")
		}
		resp := w.Result()
		resp.Request = req
		return resp, nil
	}
}

func TestReconfigureKeepsWhatIsStored(t *testing.T) {
	up := true
	server := storable(&up)
	cfg := impatient()
	cfg.Base = server
	agent := newAgent(t, cfg)
	client := agent.Client()
	get(t, client, "http://a.test")
	up = false

	if err := agent.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	if _, body := get(t, client, "http://a.test"); body != "stored" {
		t.Errorf("after a change of other settings the cache has %q", body)
	}
	cfg.Cache = new(fallback.Cache)
	if err := agent.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	if resp, err := client.Get("http://a.test"); err == nil { // the circuit is open
		resp.Body.Close()
		t.Errorf("a new cache answers with %s", resp.Status)
	}
}

func TestReconfigureKeepsWhatAServiceWithABaseHasStored(t *testing.T) {
	up := true
	db := safetrip.Config{Base: storable(&up), Retry: transport.Retry{BaseDelay: -1}}
	cfg := quiet()
	cfg.Services = map[string]safetrip.Config{"db": db}
	agent := newAgent(t, cfg)
	client := agent.Service("db").Client()
	get(t, client, "http://a.test")
	up = false
	for range 2 {
		if err := agent.Reconfigure(cfg); err != nil {
			t.Fatal(err)
		}
		if _, body := get(t, client, "http://a.test"); body != "stored" {
			t.Errorf("after a change of other settings the cache has %q", body)
		}
	}
	db.Cache = new(fallback.Cache)
	cfg.Services["db"] = db // by then the Agent has its own copy
	if err := agent.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	if resp, err := client.Get("http://a.test"); err == nil {
		resp.Body.Close()
		t.Errorf("a new cache answers with %s", resp.Status)
	}
}

func TestALevelEndsWhereTheHostBecomesAServices(t *testing.T) {
	cfg := impatient()
	cfg.Base = scripted(map[string]int{"a.test": 503, "b.test": 503})
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		for range 3 { // offline
			attempts(t, agent.Transport(), "http://a.test:8080")
			attempts(t, agent.Transport(), "http://b.test")
		}
		cfg.Services = map[string]safetrip.Config{"a": {Hosts: []string{"A.test"}}}
		if err := agent.Reconfigure(cfg); err != nil {
			t.Fatal(err)
		}
		if l := agent.Report().Ladders; len(l) != 1 || l[0].Key != "http://b.test" {
			t.Errorf("the levels are %+v; want that of b.test alone, as nobody calls a.test in the Agent's own way any more", l)
		}
	})
}

func TestReconfigureChangesTheLogger(t *testing.T) {
	var before, after bytes.Buffer
	cfg := safetrip.Config{Logger: slog.New(slog.NewTextHandler(&before, nil))}
	cfg.Services = map[string]safetrip.Config{"db": {Retry: transport.Retry{BaseDelay: -1}, Breaker: new(transport.Breaker)}}
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		cfg.Logger = slog.New(slog.NewTextHandler(&after, nil))
		if err := agent.Reconfigure(cfg); err != nil {
			t.Fatal(err)
		}
		for range 3 { // its circuit opens
			agent.Service("db").Do(t.Context(), "x", func(context.Context) error { return driver.ErrBadConn })
		}
		time.Sleep(2 * time.Minute) // an alert
		synctest.Wait()
		if before.Len() > 0 {
			t.Errorf("the old logger is told:\n%s", before.String())
		}
		for _, what := range []string{"call failed", "gave up", "circuit changed", "health alert"} {
			if !strings.Contains(after.String(), what) {
				t.Errorf("the new logger is not told: %s", what)
			}
		}
		for line := range strings.Lines(after.String()) {
			if strings.Count(line, "agent=test") != 1 {
				t.Errorf("a line does not name the Agent once: %s", line)
			}
		}
	})
}

func TestReconfigureChangesTheMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		agent, err := safetrip.New("test", quiet())
		if err != nil {
			t.Fatal(err)
		}
		defer agent.Close()
		handler := agent.Healthz()
		cfg := quiet()
		cfg.Health = &healthz.Monitor{Checks: []healthz.Check{{
			Name: "disk_full", Run: func(context.Context) healthz.Result { return healthz.Result{Status: healthz.Critical} },
		}}}
		for range 2 { // the second time it goes on running
			if err := agent.Reconfigure(cfg); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
			if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "disk_full") {
				t.Errorf("%d %s; want 503 and the new check", w.Code, w.Body)
			}
		}
	})
}

func TestTheNewMonitorDoesNotWaitForTheOldOne(t *testing.T) {
	cfg := quiet()
	cfg.Health = &healthz.Monitor{Checks: []healthz.Check{{
		Name: "slow", Run: func(ctx context.Context) healthz.Result {
			<-ctx.Done()
			time.Sleep(3 * time.Second)
			return healthz.Result{}
		},
	}}}
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		synctest.Wait()
		time.AfterFunc(time.Second, func() {
			w := httptest.NewRecorder()
			agent.Healthz().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			if w.Code != http.StatusOK {
				t.Errorf("while the old checks end, /readyz is %d %s", w.Code, w.Body)
			}
		})
		began := time.Now()
		if err := agent.Reconfigure(quiet()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Reconfigure took %v; want the 3 s that the old check did", took)
		}
	})
}

func TestMetricsAreNeverToldTwice(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	circuits := func() (n int64) {
		var metrics metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &metrics); err != nil {
			t.Error(err)
		}
		for _, scope := range metrics.ScopeMetrics {
			for _, m := range scope.Metrics {
				if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "safetrip.circuits" {
					for _, point := range sum.DataPoints {
						n += point.Value
					}
				}
			}
		}
		return n
	}
	cfg := impatient()
	cfg.Base = scripted(map[string]int{"a.test": 200})
	cfg.Call.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	during := int64(-1)
	before := cfg
	before.Health = &healthz.Monitor{Checks: []healthz.Check{{
		Name: "slow", Run: func(ctx context.Context) healthz.Result {
			<-ctx.Done() // Reconfigure waits for it
			during = circuits()
			return healthz.Result{}
		},
	}}}
	inBubble(t, before, func(t *testing.T, agent *safetrip.Agent) {
		attempts(t, agent.Transport(), "http://a.test")
		synctest.Wait()
		if err := agent.Reconfigure(cfg); err != nil {
			t.Fatal(err)
		}
		if after := circuits(); during != 1 || after != 1 {
			t.Errorf("there are %d circuits while it waits, and %d then; want 1", during, after)
		}
	})
	if left := circuits(); left != 0 {
		t.Errorf("after Close %d circuits are told", left)
	}
}

func TestReconfigureUnderLoad(t *testing.T) {
	t.Parallel()
	cfg := impatient()
	cfg.Base = scripted(map[string]int{"a.test": 200})
	cfg.Services = map[string]safetrip.Config{"a": {Hosts: []string{"a.test"}}, "db": {}}
	agent := newAgent(t, cfg)
	stop := make(chan struct{})
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			client, db := agent.Client(), agent.Service("db")
			for {
				select {
				case <-stop:
					return
				default:
				}
				if resp, err := client.Get("http://a.test"); err != nil {
					t.Error(err)
				} else {
					resp.Body.Close()
				}
				if err := db.Do(context.Background(), "x", func(context.Context) error { return nil }); err != nil {
					t.Error(err)
				}
				agent.Report()
			}
		})
	}
	for i := range 200 {
		cfg.Retry.MaxAttempts = i%5 + 1
		if err := agent.Reconfigure(cfg); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	work.Wait()
}

// TestEverythingAtOnce is for the race detector, and for the bubble, which ends
// only when all goroutines have.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	base, shared := scripted(map[string]int{"a.test": 200, "b.test": 503}), new(transport.Breaker)
	settings := []func(*safetrip.Config){
		func(c *safetrip.Config) {
			c.Services = map[string]safetrip.Config{"a": {Hosts: []string{"a.test"}, Breaker: shared}, "b": {Base: base}}
		},
		func(c *safetrip.Config) {
			c.Services = map[string]safetrip.Config{"b": {Hosts: []string{"a.test", "b.test"}, Breaker: shared}}
			c.Breaker = &transport.Breaker{Rule: transport.Ratio{}}
		},
		func(c *safetrip.Config) {
			c.Services = map[string]safetrip.Config{"a": safetrip.PresetPayments(), "c": safetrip.PresetReadOnly()}
			c.Cache, c.Breaker, c.Health = new(fallback.Cache), shared, new(healthz.Monitor)
		},
		func(c *safetrip.Config) { c.Disable = safetrip.Health | safetrip.Telemetry | safetrip.Breaker },
	}
	config := func(i int) safetrip.Config {
		cfg := impatient()
		cfg.Base = base
		settings[i%len(settings)](&cfg)
		return cfg
	}
	inBubble(t, config(0), func(t *testing.T, agent *safetrip.Agent) {
		client, handler := agent.Client(), agent.Healthz()
		var work sync.WaitGroup
		for _, do := range []func(i int){
			func(int) {
				resp, err := client.Get("http://a.test")
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
			},
			func(int) {
				if resp, err := client.Get("http://b.test"); err == nil {
					resp.Body.Close()
				}
			},
			func(int) {
				done := false
				err := agent.Service("b").Do(t.Context(), "x", failing(driver.ErrBadConn), func(context.Context) error { done = true; return nil })
				if _, unknown := errors.AsType[*safetrip.UnknownServiceError](err); err != nil && (done || !unknown) {
					t.Error(err)
				}
			},
			func(i int) {
				if err := agent.Reconfigure(config(i)); err != nil && !errors.Is(err, safetrip.ErrClosed) {
					t.Error(err)
				}
			},
			func(int) { agent.Report() },
			func(int) {
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/healthz", nil))
			},
			func(int) { client.CloseIdleConnections() },
			func(int) { shared.States() },
			func(i int) {
				if i > 150 {
					agent.Close()
				}
			},
		} {
			for range 2 {
				work.Go(func() {
					for i := range 200 {
						do(i)
					}
				})
			}
		}
		work.Wait()
	})
}
