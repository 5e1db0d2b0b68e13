package transport

import (
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
