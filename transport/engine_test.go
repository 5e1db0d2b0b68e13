package transport

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// toyEngine opens at two failures, and lets one call pass every minute while
// it is open.
type toyEngine struct {
	mu       sync.Mutex // guards the rest
	failures int
	opened   time.Time
	reports  []Result
}

func (e *toyEngine) Allow(string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.opened.IsZero() {
		return true
	}
	if time.Since(e.opened) < time.Minute {
		return false
	}
	e.opened = time.Now()
	return true
}

func (e *toyEngine) Report(key string, r Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reports = append(e.reports, r)
	switch {
	case r.Refused:
	case r.Failed:
		if e.failures++; e.failures >= 2 {
			e.opened = time.Now()
		}
	default:
		e.failures, e.opened = 0, time.Time{}
	}
}

func (e *toyEngine) State(string) State {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.opened.IsZero() {
		return Closed
	}
	return Open
}

func TestBreakerWithAnEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(toyEngine)
		var told []State
		b := Breaker{Engine: e, OnChange: func(c Change) { told = append(told, c.To) }}
		base := newPatient()
		rt := b.Wrap(base)
		late := []func(int){base.begin(t, rt), base.begin(t, rt)}
		base.begin(t, rt)(429)
		if len(e.reports) != 0 {
			t.Errorf("a neutral outcome was reported: %+v", e.reports)
		}
		base.begin(t, rt)(504)
		base.begin(t, rt)(503)
		if got := the(t, &b); got.State != Open || got.LastFailure.IsZero() {
			t.Errorf("at the engine's threshold it is %+v", got)
		}
		if len(e.reports) != 2 || !e.reports[0].TimedOut || e.reports[1].TimedOut || !e.reports[1].Failed || e.reports[0].Began.IsZero() {
			t.Errorf("the engine was told %+v", e.reports)
		}
		late[0](200)
		if len(e.reports) != 2 {
			t.Error("a late success was reported")
		}

		req, trip := withTrip(get(t, "http://a.test"))
		if _, _, err := send(t, rt, req); err == nil || trip.Circuit().State != Open {
			t.Errorf("a call got %v, the trip says %v", err, trip.Circuit().State)
		}
		if got := e.reports[len(e.reports)-1]; !got.Refused {
			t.Errorf("the engine was told %+v of a refusal", got)
		}
		if got := the(t, &b).Rejected; got != 1 {
			t.Errorf("%d refusals were counted", got)
		}

		time.Sleep(time.Minute)
		probe := base.begin(t, rt)
		if got := the(t, &b).State; got != HalfOpen {
			t.Errorf("while a probe is on its way it is %v", got)
		}
		time.Sleep(time.Minute) // the engine would let another pass
		if !refuses(t, rt) {
			t.Error("a second probe passed beside the first")
		}
		probe(503)
		if got := the(t, &b).State; got != Open {
			t.Errorf("after a probe that failed it is %v", got)
		}
		time.Sleep(time.Minute)
		base.begin(t, rt)(200)
		if got := the(t, &b).State; got != Closed {
			t.Errorf("after a probe that went well it is %v", got)
		}
		late[1](503)
		if e.failures != 0 {
			t.Error("a late failure was reported")
		}
		if want := []State{Open, HalfOpen, Open, HalfOpen, Closed}; !slices.Equal(told, want) {
			t.Errorf("OnChange was told of %v, want %v", told, want)
		}
	})
}

func TestBreakerWithAnEngineObeysOperators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{Engine: new(toyEngine)}
		rt := b.Wrap(script(200))
		send(t, rt, get(t, "http://a.test"))
		b.Open("http://a.test")
		if !refuses(t, rt) {
			t.Error("Open did not open it")
		}
		time.Sleep(time.Minute)
		if refuses(t, rt) {
			t.Error("Open holds for longer than OpenFor")
		}
		b.Hold("http://a.test")
		time.Sleep(time.Hour)
		if !refuses(t, rt) {
			t.Error("Hold did not hold it open")
		}
		b.Reset("http://a.test")
		if refuses(t, rt) {
			t.Error("Reset did not close it")
		}
	})
}

func TestBreakerWithAnEngineFreesTheProbesPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{Engine: new(toyEngine)}
		end := Func(script(503).RoundTrip)
		rt := b.Wrap(Func(func(req *http.Request) (*http.Response, error) { return end(req) }))
		send(t, rt, get(t, "http://a.test"))
		send(t, rt, get(t, "http://a.test"))
		time.Sleep(time.Minute)
		end = func(*http.Request) (*http.Response, error) { panic("base") }
		mustPanic(t, func() { rt.RoundTrip(get(t, "http://a.test")) })
		time.Sleep(time.Minute)
		end = script(200).RoundTrip
		if refuses(t, rt) {
			t.Error("the place is held for ever")
		}
	})
}

func TestBreakerWithAnEngineInADryRun(t *testing.T) {
	b := Breaker{Engine: new(toyEngine), DryRun: true}
	base := script(503)
	rt := b.Wrap(base)
	for range 5 {
		if refuses(t, rt) {
			t.Error("it refused")
		}
	}
	if got := the(t, &b); base.calls() != 5 || got.State != Open || got.Rejected != 3 {
		t.Errorf("after %d calls it is %+v", base.calls(), got)
	}
}

func TestBreakerWithAnEngineInADryRunTellsItWhatItWouldHear(t *testing.T) {
	e := new(toyEngine)
	b := Breaker{Engine: e, DryRun: true}
	rt := b.Wrap(script(503, 503, 200))
	for range 5 {
		send(t, rt, get(t, "http://a.test"))
	}
	for n, r := range e.reports {
		if r.Refused != (n >= 2) {
			t.Errorf("call %d was reported as %+v", n, r)
		}
	}
	if len(e.reports) != 5 || the(t, &b).State != Open {
		t.Errorf("%d reports, %v: what was to be refused went well, and closed it", len(e.reports), the(t, &b).State)
	}
}

// puppet is an engine that does what it is told.
type puppet struct {
	passes  bool
	state   State
	reports []Result
	asked   func() // in Allow
}

func (p *puppet) Allow(string) bool {
	if p.asked != nil {
		p.asked()
	}
	return p.passes
}

func (p *puppet) Report(_ string, r Result) { p.reports = append(p.reports, r) }
func (p *puppet) State(string) State        { return p.state }

func TestBreakerObeysItsEngine(t *testing.T) {
	for _, tt := range []struct {
		what    string
		engine  puppet
		during  func(*puppet) // while the call is under way
		answer  int
		refused State // of the error, Closed if the call passes
		reports []Result
		state   State // afterwards
	}{
		{"a success is reported", puppet{passes: true}, nil, 200, Closed, []Result{{}}, Closed},
		{"a failure is reported", puppet{passes: true}, nil, 500, Closed, []Result{{Failed: true}}, Closed},
		{"a timeout says so", puppet{passes: true}, nil, 504, Closed, []Result{{Failed: true, TimedOut: true}}, Closed},
		{"one that is no failure to the Classifier does not", puppet{passes: true}, nil, 408, Closed, []Result{{}}, Closed},
		{"a neutral outcome is not reported", puppet{passes: true}, nil, 429, Closed, nil, Closed},
		{"it may refuse while it is open", puppet{state: Open}, nil, 0, Open, []Result{{Refused: true}}, Open},
		{"it may refuse though it is closed", puppet{}, nil, 0, Open, []Result{{Refused: true}}, Closed},
		{"a success after it opened is late, though nobody had noticed yet", puppet{passes: true}, func(p *puppet) { p.state = Open }, 200, Closed, nil, Open},
		{"so is a failure", puppet{passes: true}, func(p *puppet) { p.state = Open }, 500, Closed, nil, Open},
		{"a probe is reported", puppet{passes: true, state: Open}, nil, 200, Closed, []Result{{}}, Open},
		{"a probe that closes it", puppet{passes: true, state: Open}, func(p *puppet) { p.state = Closed }, 200, Closed, []Result{{}}, Closed},
	} {
		t.Run(tt.what, func(t *testing.T) {
			g := &tt.engine
			b := Breaker{Engine: g, Classifier: func(req *http.Request, resp *http.Response, err error) Verdict {
				v := Classify(req, resp, err)
				if resp != nil && resp.StatusCode == 408 {
					v.Outcome = Success
				}
				return v
			}}
			rt := b.Wrap(Func(func(req *http.Request) (*http.Response, error) {
				if tt.during != nil {
					tt.during(g)
				}
				return answer(req, tt.answer, ""), nil
			}))
			_, _, err := send(t, rt, get(t, "http://a.test"))
			refusal, refused := errors.AsType[*OpenError](err)
			if refused != (tt.refused != Closed) || refused && refusal.State != tt.refused {
				t.Errorf("the call got %v", err)
			}
			for i := range g.reports {
				if g.reports[i].Began.IsZero() {
					t.Errorf("report %d says nothing of when it began", i)
				}
				g.reports[i].Began, g.reports[i].Took = time.Time{}, 0
			}
			if !slices.Equal(g.reports, tt.reports) {
				t.Errorf("the engine was told %+v, want %+v", g.reports, tt.reports)
			}
			if got := the(t, &b); got.State != tt.state || (got.Rejected == 1) != refused {
				t.Errorf("afterwards it is %+v, want %v", got, tt.state)
			}
		})
	}
}

func TestBreakerWithAnEngineSaysWhyItRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{Engine: &puppet{passes: true, state: Open}}
		base := newPatient()
		rt := b.Wrap(base)
		probe := base.begin(t, rt)
		_, err := rt.RoundTrip(get(t, "http://a.test"))
		if refusal, ok := errors.AsType[*OpenError](err); !ok || refusal.State != HalfOpen {
			t.Errorf("while a probe is on its way, a call got %v", err)
		}
		probe(200)
	})
}

func TestBreakerWhoseEngineChangesItsMind(t *testing.T) {
	for _, tt := range []struct {
		what     string
		before   State // of the engine
		meantime func(*Breaker, *puppet)
		reported int
		state    State // afterwards
		told     []State
	}{
		{"a call that passed just before it opened is no probe, and late", Closed, func(_ *Breaker, p *puppet) { p.state = Open }, 0, Open, []State{Open}},
		{"what was seen before somebody closed it is old news", Open, func(b *Breaker, p *puppet) {
			p.state = Closed
			b.Reset("http://a.test")
		}, 0, Closed, nil},
		{"what was seen before somebody opened it is old news", Closed, func(b *Breaker, p *puppet) { b.Hold("http://a.test") }, 0, Open, []State{Open}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			var told []State
			p := &puppet{passes: true}
			b := Breaker{Engine: p, OnChange: func(c Change) { told = append(told, c.To) }}
			rt := b.Wrap(script(429, 200))
			send(t, rt, get(t, "http://a.test")) // there is a circuit
			p.state, p.asked = tt.before, func() { p.asked = nil; tt.meantime(&b, p) }
			send(t, rt, get(t, "http://a.test"))
			if got := the(t, &b).State; got != tt.state || len(p.reports) != tt.reported {
				t.Errorf("afterwards it is %v after %d reports, want %v after %d", got, len(p.reports), tt.state, tt.reported)
			}
			if !slices.Equal(told, tt.told) {
				t.Errorf("OnChange was told of %v, want %v", told, tt.told)
			}
		})
	}
}
