package safetrip_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// inBubble runs a test in a bubble, with an Agent that is closed at its end.
func inBubble(t *testing.T, cfg safetrip.Config, test func(*testing.T, *safetrip.Agent)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		agent, err := safetrip.New("test", cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer agent.Close()
		test(t, agent)
	})
}

// scripted is a base that answers each host with the status that it has here.
func scripted(statuses map[string]int) transport.Func {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: statuses[strings.ToLower(req.URL.Hostname())], Header: make(http.Header), Body: http.NoBody, Request: req,
		}, nil
	}
}

// attempts returns how often a GET was sent.
func attempts(t *testing.T, rt http.RoundTripper, url string) int {
	t.Helper()
	ctx, trip := transport.NewTrip(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := rt.RoundTrip(req); err == nil {
		resp.Body.Close()
	}
	return len(trip.Attempts())
}

func TestEachServiceHasItsOwnPolicy(t *testing.T) {
	cfg := impatient()
	cfg.Base = scripted(map[string]int{"directory.test": 503, "directory.test.": 503, "pay.test": 503, "else.test": 503, "::1": 503})
	directory, payments := impatient(), impatient()
	directory.Logger, payments.Logger = nil, nil
	directory.Retry.MaxAttempts, directory.Hosts = 2, []string{"Directory.test", "[::1]"}
	payments.Retry.MaxAttempts, payments.Hosts = 4, []string{"pay.test:8443", "pay.test:443"}
	cfg.Services = map[string]safetrip.Config{"directory": directory, "payments": payments}
	for _, tt := range []struct {
		name string
		call func(*safetrip.Agent) http.RoundTripper
		url  string
		want int
	}{
		{"a host of no service", (*safetrip.Agent).Transport, "http://else.test", 3},
		{"a service's host, by the Agent's client", (*safetrip.Agent).Transport, "http://directory.test", 2},
		{"the same with a port and in capitals", (*safetrip.Agent).Transport, "http://DIRECTORY.test:81", 2},
		{"a service's host and port", (*safetrip.Agent).Transport, "http://pay.test:8443", 4},
		{"its host at another port", (*safetrip.Agent).Transport, "http://pay.test", 3},
		{"its host at the port that its scheme has", (*safetrip.Agent).Transport, "https://pay.test", 4},
		{"the same, said with an empty port", (*safetrip.Agent).Transport, "HTTPS://pay.test:/", 4},
		{"a host with the dot that ends all names", (*safetrip.Agent).Transport, "http://directory.test.", 2},
		{"an address of IPv6", (*safetrip.Agent).Transport, "http://[::1]:8080", 2},
		{"a host that is a user's name", (*safetrip.Agent).Transport, "http://directory.test@else.test", 3},
		{"any host, by the service's client", service("payments"), "http://else.test", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
				if got := attempts(t, tt.call(agent), tt.url); got != tt.want {
					t.Errorf("%d attempts, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestARedirectGoesTheWayOfItsHost(t *testing.T) {
	var sent []string
	cfg := quiet()
	cfg.Base = transport.Func(func(req *http.Request) (*http.Response, error) {
		sent = append(sent, req.URL.Host+" "+strconv.FormatBool(req.Header.Get("Idempotency-Key") != ""))
		req.Body.Close()
		to := map[string]string{"pay.test": "http://else.test/"}[req.URL.Host]
		code := map[bool]int{true: http.StatusTemporaryRedirect, false: http.StatusServiceUnavailable}[to != ""]
		return &http.Response{StatusCode: code, Header: http.Header{"Location": {to}}, Body: http.NoBody, Request: req}, nil
	})
	payments := safetrip.PresetPayments()
	payments.Hosts = []string{"pay.test"}
	cfg.Services = map[string]safetrip.Config{"payments": payments}
	agent := newAgent(t, cfg)
	resp, err := agent.Client().Post("http://pay.test", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := []string{"pay.test true", "else.test false"}; !slices.Equal(sent, want) {
		t.Errorf("sent are, with a key or not, %q; want %q", sent, want)
	}
}

func TestTheConfigThatWasGivenIsTheUsersAgain(t *testing.T) {
	cfg := impatient()
	cfg.Base = scripted(map[string]int{"a.test": 503, "b.test": 503})
	hosts, steps := []string{"a.test"}, []fallback.Step{fallback.JSON(http.StatusTeapot, "made up")}
	cfg.Services = map[string]safetrip.Config{"a": {Hosts: hosts, Steps: steps, Disable: safetrip.Retry}}
	agent := newAgent(t, cfg)
	hosts[0], steps[0] = "b.test", fallback.Step{}
	clear(cfg.Services)
	if resp, _ := get(t, agent.Client(), "http://a.test"); resp.StatusCode != http.StatusTeapot {
		t.Errorf("a service's host is answered %s", resp.Status)
	}
	if n := attempts(t, agent.Transport(), "http://b.test"); n != 3 {
		t.Errorf("%d attempts for another host, want 3", n)
	}
}

func TestFindingAServiceAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	resp := &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}
	off := safetrip.Telemetry | safetrip.Timeout
	cfg := quiet()
	cfg.Base = transport.Func(func(*http.Request) (*http.Response, error) { return resp, nil })
	cfg.Disable = off
	cfg.Services = map[string]safetrip.Config{
		"a": {Hosts: []string{"a.test"}, Disable: off}, "b": {Hosts: []string{"b.test:443"}, Disable: off},
	}
	rt := newAgent(t, cfg).Transport()
	for _, url := range []string{"http://a.test/x", "https://b.test/x", "http://else.test:8080/x"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := rt.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a call; want 0", url, n)
		}
	}
}

func service(name string) func(*safetrip.Agent) http.RoundTripper {
	return func(a *safetrip.Agent) http.RoundTripper { return a.Service(name).Transport() }
}

func TestAServiceThatFailsLeavesTheOthersAlone(t *testing.T) {
	cfg := impatient()
	cfg.Base = scripted(map[string]int{"a.test": 503, "b.test": 200})
	cfg.Services = map[string]safetrip.Config{"a": {Hosts: []string{"a.test"}}, "b": {Hosts: []string{"b.test"}}}
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		for range 5 {
			attempts(t, agent.Transport(), "http://a.test")
			attempts(t, agent.Transport(), "http://b.test")
		}
		states := make(map[string]transport.State)
		for _, c := range agent.Report().Circuits {
			states[c.Key] = c.State
		}
		if len(states) != 2 || states["a"] != transport.Open || states["b"] != transport.Closed {
			t.Errorf("the circuits are %v; want a's open and b's closed", states)
		}
		if ladders := agent.Report().Ladders; len(ladders) != 1 || ladders[0].Key != "a" {
			t.Errorf("the levels are %+v; want that of a alone", ladders)
		}
	})
}

func TestAnUnknownServiceIsAnError(t *testing.T) {
	cfg := impatient()
	cfg.Services = map[string]safetrip.Config{"payments": {}, "directory": {}}
	agent := newAgent(t, cfg)
	body := &rttest.Body{Reader: strings.NewReader("x")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.test", body)
	if err != nil {
		t.Fatal(err)
	}
	_, err = agent.Service("payment").Transport().RoundTrip(req)
	unknown, ok := errors.AsType[*safetrip.UnknownServiceError](err)
	if !ok || !strings.Contains(err.Error(), "there are directory, payments") {
		t.Errorf("the error is %v; want one that names the services", err)
	}
	if ok && unknown.Name != "payment" {
		t.Errorf("it names %q", unknown.Name)
	}
	if v := transport.Classify(req, nil, err); v.Outcome != transport.Neutral || v.Retryable {
		t.Errorf("the verdict is %+v; nothing failed but the program", v)
	}
	if body.Closes() != 1 {
		t.Errorf("the body was closed %d times", body.Closes())
	}
	err = agent.Service("payment").Do(t.Context(), "x", func(context.Context) error { return nil })
	if _, ok := errors.AsType[*safetrip.UnknownServiceError](err); !ok {
		t.Errorf("Do: the error is %v", err)
	}
	agent.Service("payment").Client().CloseIdleConnections()
}

// withDB is a Config with one service.
func withDB(db safetrip.Config) safetrip.Config {
	cfg := quiet()
	cfg.Services = map[string]safetrip.Config{"db": db}
	return cfg
}

// failing returns work that fails with each error in turn, and then does not.
func failing(errs ...error) func(context.Context) error {
	return func(context.Context) (err error) {
		if len(errs) > 0 {
			err, errs = errs[0], errs[1:]
		}
		return err
	}
}

func TestWork(t *testing.T) {
	lost := driver.ErrBadConn
	gone := errors.New("replica gone")
	for _, tt := range []struct {
		name      string
		work      []error
		fallbacks []error
		want      error // nil: none
		attempts  int
		level     transport.Level
	}{
		{"goes well", nil, nil, nil, 1, transport.Full},
		{"fails for a reason that passes, and is done again", []error{lost, lost}, nil, nil, 3, transport.Full},
		{"fails each time", []error{lost, lost, lost, lost}, nil, lost, 3, transport.Full},
		{"fails for a reason that stays", []error{sql.ErrNoRows}, nil, sql.ErrNoRows, 1, transport.Full},
		{"fails, and a fallback does it", []error{lost, lost, lost}, []error{nil}, nil, 3, transport.Degraded},
		{"fails, and the second fallback does it", []error{lost, lost, lost}, []error{gone, nil}, nil, 3, transport.Degraded},
		{"fails, and the fallbacks too: the first error", []error{lost, lost, lost}, []error{gone}, lost, 3, transport.Full},
		{"fails, and the fallbacks too: theirs beside it", []error{lost, lost, lost}, []error{gone}, gone, 3, transport.Full},
		{"has no rows, which a fallback must not hide", []error{sql.ErrNoRows}, []error{nil}, sql.ErrNoRows, 1, transport.Full},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, withDB(safetrip.Config{}), func(t *testing.T, agent *safetrip.Agent) {
				var fallbacks []func(context.Context) error
				for _, err := range tt.fallbacks {
					fallbacks = append(fallbacks, failing(err))
				}
				ctx, trip := transport.NewTrip(t.Context())
				err := agent.Service("db").Do(ctx, "load user", failing(tt.work...), fallbacks...)
				if !errors.Is(err, tt.want) {
					t.Errorf("the error is %v, want %v", err, tt.want)
				}
				if n := len(trip.Attempts()); n != tt.attempts {
					t.Errorf("%d attempts, want %d", n, tt.attempts)
				}
				if got := trip.Answer().Level; got != tt.level {
					t.Errorf("the level is %v, want %v", got, tt.level)
				}
				if f, ok := errors.AsType[*transport.Failure](err); tt.attempts > 1 && err != nil && (!ok || f.Operation != "load user") {
					t.Errorf("the failure is %+v; want one of the operation", f)
				}
				if got := agent.Report().Performance.Total; got != 1 {
					t.Errorf("the report counts %d calls, want 1", got)
				}
			})
		})
	}
}

func TestWorkIsGuardedByACircuit(t *testing.T) {
	inBubble(t, withDB(safetrip.Config{}), func(t *testing.T, agent *safetrip.Agent) {
		db, done := agent.Service("db"), 0
		down := func(context.Context) error { done++; return driver.ErrBadConn }
		for range 3 {
			db.Do(t.Context(), "load user", down)
		}
		if done != 5 {
			t.Errorf("the work was done %d times; want five, which open the circuit", done)
		}
		err := db.Do(t.Context(), "load user", down)
		if !errors.Is(err, transport.ErrCircuitOpen) {
			t.Errorf("the error is %v; want the circuit's", err)
		}
		var fellBack bool
		if err := db.Do(t.Context(), "load user", down, func(context.Context) error { fellBack = true; return nil }); err != nil || !fellBack {
			t.Errorf("with an open circuit the fallback was done: %v, error %v", fellBack, err)
		}
		if circuits := agent.Report().Circuits; len(circuits) != 1 || circuits[0].Key != "db" {
			t.Errorf("the circuits are %+v; want db's", circuits)
		}
	})
}

func TestWorkEndsWithItsTime(t *testing.T) {
	db := safetrip.Config{Timeout: transport.Timeout{Headers: 2 * time.Second}}
	inBubble(t, withDB(db), func(t *testing.T, agent *safetrip.Agent) {
		began := time.Now()
		err := agent.Service("db").Do(transport.WithoutRetry(t.Context()), "slow", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if took := time.Since(began); took != 2*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended after %v with %v; want a timeout after 2 s", took, err)
		}
	})
}

func TestWorkIsNotBegunForACallerWhoHasGone(t *testing.T) {
	inBubble(t, withDB(safetrip.Config{}), func(t *testing.T, agent *safetrip.Agent) {
		gone := errors.New("the user left")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		begun := false
		work := func(context.Context) error { begun = true; return nil }
		if err := agent.Service("db").Do(ctx, "load user", work, work); begun || !errors.Is(err, gone) {
			t.Errorf("begun: %v, error %v; want none, and why the context ended", begun, err)
		}
		if f := agent.Report().Performance.Failed; f != 0 {
			t.Errorf("%d failures of the service", f)
		}
	})
}

func TestALayerThatPanicsLeavesNothingHeld(t *testing.T) {
	panics := true
	layer := []transport.Middleware{func(next http.RoundTripper) http.RoundTripper {
		return transport.Func(func(req *http.Request) (*http.Response, error) {
			if panics {
				panic("oh")
			}
			return next.RoundTrip(req)
		})
	}}
	for _, tt := range []struct {
		name string
		cfg  safetrip.Config
	}{
		{"around each call", safetrip.Config{PerCall: layer}},
		{"around each attempt", safetrip.Config{PerAttempt: layer}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			panics = true
			cfg := withDB(tt.cfg)
			cfg.Base = scripted(map[string]int{"a.test": 200})
			db := cfg.Services["db"]
			db.Limit = transport.Limit{Concurrency: 1, Queue: -1}
			cfg.Services["db"] = db
			inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
				client := agent.Service("db").Client()
				for range 2 {
					func() {
						defer func() {
							if r := recover(); r != "oh" {
								t.Errorf("recovered %v", r)
							}
						}()
						client.Get("http://a.test")
					}()
				}
				panics = false
				if resp, _ := get(t, client, "http://a.test"); resp.StatusCode != http.StatusOK {
					t.Errorf("after the panics the answer is %s", resp.Status)
				}
				if n := agent.Report().Performance.InFlight; n != 0 {
					t.Errorf("%d in flight", n)
				}
			})
		})
	}
}

func TestWorkThatPanicsLeavesNothingHeld(t *testing.T) {
	db := safetrip.Config{Limit: transport.Limit{Concurrency: 1, Queue: -1}}
	inBubble(t, withDB(db), func(t *testing.T, agent *safetrip.Agent) {
		for range 2 {
			func() {
				defer func() {
					if r := recover(); r != "oh" {
						t.Errorf("recovered %v", r)
					}
				}()
				agent.Service("db").Do(t.Context(), "panic", func(context.Context) error { panic("oh") })
			}()
		}
		if err := agent.Service("db").Do(t.Context(), "", failing()); err != nil {
			t.Errorf("after the panics there is no place: %v", err)
		}
		if n := agent.Report().Performance.InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

func TestServicesWithABaseHaveACacheOfTheirOwn(t *testing.T) {
	cfg := impatient()
	cfg.Base = scripted(map[string]int{"a.test": 200})
	cfg.Services = map[string]safetrip.Config{
		"same":  {},
		"other": {Base: scripted(map[string]int{"a.test": 200})},
		"given": {Cache: new(fallback.Cache)},
	}
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		if n := len(agent.Report().Caches); n != 3 {
			t.Errorf("there are %d caches; want the Agent's, the one given, and one for the other base", n)
		}
	})
}

// as is a layer that acts for a user.
func as(user string) []transport.Middleware {
	return []transport.Middleware{func(next http.RoundTripper) http.RoundTripper {
		return transport.Func(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Set("Authorization", user)
			return next.RoundTrip(req)
		})
	}}
}

func TestWhatIsStoredForOneServiceIsNotServedToAnother(t *testing.T) {
	for _, tt := range []struct {
		name       string
		agent      []transport.Middleware
		alice, bob safetrip.Config
		shared     bool
	}{
		{"two that act for two users", nil, safetrip.Config{PerAttempt: as("alice")}, safetrip.Config{PerAttempt: as("bob")}, false},
		{"one that acts for a user, and one for nobody", nil, safetrip.Config{PerAttempt: as("alice")}, safetrip.Config{}, false},
		{"two of an Agent that acts for a user itself, as they do not", as("carol"), safetrip.Config{}, safetrip.Config{}, false},
		{"two that send in one way", nil, safetrip.Config{}, safetrip.Config{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			up := true
			answer := storable(&up)
			cfg := impatient()
			cfg.PerAttempt, cfg.Disable = tt.agent, safetrip.Breaker
			cfg.Base = transport.Func(func(req *http.Request) (*http.Response, error) { return answer(req) })
			for _, c := range []*safetrip.Config{&tt.alice, &tt.bob} {
				c.Retry.BaseDelay, c.Disable = -1, safetrip.Breaker
			}
			cfg.Services = map[string]safetrip.Config{"alice": tt.alice, "bob": tt.bob}
			agent := newAgent(t, cfg)
			get(t, agent.Service("alice").Client(), "http://a.test/me")
			up = false
			for range 2 { // what it has it keeps
				if _, body := get(t, agent.Service("alice").Client(), "http://a.test/me"); body != "stored" {
					t.Errorf("Alice is answered %q", body)
				}
				for whose, client := range map[string]*http.Client{"Bob": agent.Service("bob").Client(), "Carol": agent.Client()} {
					if _, body := get(t, client, "http://a.test/me"); (body == "stored") != tt.shared {
						t.Errorf("%s is answered %q", whose, body)
					}
				}
				if err := agent.Reconfigure(cfg); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestServicesMayShareABreaker(t *testing.T) {
	shared := &transport.Breaker{FailureThreshold: 1}
	cfg := impatient()
	cfg.Base = scripted(map[string]int{"a.test": 503, "b.test": 200, "else.test": 503})
	cfg.Breaker = shared
	cfg.Services = map[string]safetrip.Config{
		"a": {Hosts: []string{"a.test"}, Breaker: shared},
		"b": {Hosts: []string{"b.test"}, Breaker: shared},
	}
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		for range 2 { // the second time with the settings that are in use already
			for _, host := range []string{"a.test", "b.test", "else.test"} {
				attempts(t, agent.Transport(), "http://"+host)
			}
			var got []string
			for _, c := range shared.States() {
				got = append(got, c.Key+" "+c.State.String())
			}
			if want := []string{"a open", "b closed", "http://else.test open"}; !slices.Equal(got, want) {
				t.Errorf("the circuits of the Breaker are %q; want %q", got, want)
			}
			if n := len(agent.Report().Circuits); n != 3 {
				t.Errorf("the report has %d circuits; want each once", n)
			}
			if err := agent.Reconfigure(cfg); err != nil {
				t.Error(err)
			}
		}
		shared.Reset("a")
		if n := attempts(t, agent.Service("a").Transport(), "http://b.test"); n != 1 {
			t.Errorf("%d attempts; want a's circuit closed", n)
		}
	})
	if shared.Key != nil || shared.OnChange != nil || shared.Classifier != nil {
		t.Error("the fields of the Breaker were written")
	}
}

func TestEachServicesCircuitIsLoggedAsItsOwn(t *testing.T) {
	var log bytes.Buffer
	shared := &transport.Breaker{FailureThreshold: 1}
	cfg := safetrip.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	cfg.Services = map[string]safetrip.Config{"a": {Breaker: shared}, "b": {Breaker: shared}}
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		for name := range cfg.Services {
			agent.Service(name).Do(transport.WithoutRetry(t.Context()), "x", failing(driver.ErrBadConn))
			if want := "agent=test service=" + name + " circuit=" + name; !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, log.String())
			}
		}
	})
}

func TestWhatOnlyAServiceHasIsReported(t *testing.T) {
	cfg := quiet()
	cfg.Disable = safetrip.Recording | safetrip.Breaker | safetrip.Retry | safetrip.Fallback
	cfg.Services = map[string]safetrip.Config{"db": {Retry: transport.Retry{BaseDelay: -1}}}
	inBubble(t, cfg, func(t *testing.T, agent *safetrip.Agent) {
		for range 3 {
			agent.Service("db").Do(t.Context(), "x", failing(driver.ErrBadConn, driver.ErrBadConn, driver.ErrBadConn))
		}
		r := agent.Report()
		if r.Performance == nil || len(r.Circuits) != 1 || len(r.Budgets) != 1 || len(r.Ladders) != 1 {
			t.Errorf("the report has calls: %v, circuits %v, budgets %v, levels %v; want db's", r.Performance != nil, r.Circuits, r.Budgets, r.Ladders)
		}
	})
}

func TestAPanicOfAProbeGivesItsPlaceBack(t *testing.T) {
	db := safetrip.Config{Breaker: &transport.Breaker{FailureThreshold: 1, Successes: 1}}
	inBubble(t, withDB(db), func(t *testing.T, agent *safetrip.Agent) {
		db := agent.Service("db")
		db.Do(transport.WithoutRetry(t.Context()), "x", failing(driver.ErrBadConn))
		time.Sleep(time.Minute) // half-open
		func() {
			defer func() { _ = recover() }()
			db.Do(t.Context(), "x", func(context.Context) error { panic("oh") })
		}()
		if err := db.Do(t.Context(), "x", failing()); err != nil {
			t.Errorf("after the panic no probe may pass: %v", err)
		}
	})
}
