package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestBreakerLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Breaker
		code := 503
		base := Func(func(req *http.Request) (*http.Response, error) { return answer(req, code, ""), nil })
		rt := b.Wrap(base)
		call := func() { t.Helper(); send(t, rt, get(t, "http://a.test")) }
		expect := func(when string, want Circuit) {
			t.Helper()
			got := the(t, &b)
			got.LastFailure, want.Key, want.Threshold = time.Time{}, "http://a.test", 5
			if got != want {
				t.Errorf("%s: got  %+v\n%*swant %+v", when, got, len(when)+2, "", want)
			}
		}

		for i := range 4 {
			call()
			expect(fmt.Sprintf("after %d failures", i+1), Circuit{Failures: i + 1})
		}
		code = 200
		call()
		expect("a success takes one away", Circuit{Failures: 3})
		code = 503
		call()
		call()
		failed := time.Now()
		expect("at the threshold it opens", Circuit{State: Open, Failures: 5, Left: time.Minute})
		if got := the(t, &b).LastFailure; !got.Equal(failed) {
			t.Errorf("the last failure was at %v, want %v", got, failed)
		}

		time.Sleep(time.Minute - 1)
		call()
		expect("it refuses for 60 s", Circuit{State: Open, Failures: 5, Left: 1, Rejected: 1})
		time.Sleep(time.Nanosecond)
		code = 200
		call()
		expect("then a probe passes", Circuit{State: HalfOpen, Failures: 5, Successes: 1, Rejected: 1})
		call()
		expect("and another", Circuit{State: HalfOpen, Failures: 5, Successes: 2, Rejected: 1})
		call()
		expect("three in a row close it", Circuit{Rejected: 1})

		code = 503
		for range 5 {
			call()
		}
		expect("it opens again, for 60 s again", Circuit{State: Open, Failures: 5, Left: time.Minute, Rejected: 1})
		time.Sleep(time.Minute)
		code = 200
		call()
		call()
		code = 503
		call()
		got := the(t, &b)
		if got.State != Open || got.Successes != 0 || got.Left < 96*time.Second || got.Left > 2*time.Minute {
			t.Errorf("a probe that fails makes it %+v; want open for twice as long, less up to 20 %%", got)
		}
	})
}

func TestBreakerOpenTime(t *testing.T) {
	for _, test := range []struct {
		name     string
		b        *Breaker
		openings int32
		hint     time.Duration
		low, top time.Duration
	}{
		{"60 s the first time", &Breaker{}, 0, 0, time.Minute, time.Minute},
		{"twice that, less up to 20 %", &Breaker{}, 1, 0, 96 * time.Second, 2 * time.Minute},
		{"four times that", &Breaker{}, 2, 0, 192 * time.Second, 4 * time.Minute},
		{"at most 10 minutes", &Breaker{}, 9, 0, 8 * time.Minute, 10 * time.Minute},
		{"however often", &Breaker{}, 1 << 30, 0, 8 * time.Minute, 10 * time.Minute},
		{"what the service asks for is a floor", &Breaker{}, 0, 2 * time.Minute, 2 * time.Minute, 2 * time.Minute},
		{"and no ceiling", &Breaker{}, 0, time.Second, time.Minute, time.Minute},
		{"up to the bound", &Breaker{}, 0, 24 * time.Hour, 10 * time.Minute, 10 * time.Minute},
		{"the bound is a setting", &Breaker{OpenFor: time.Second, MaxOpenFor: 2 * time.Second}, 5, time.Hour, 2 * time.Second, 2 * time.Second},
		{"OpenFor may be longer than the default bound", &Breaker{OpenFor: time.Hour}, 0, 0, time.Hour, time.Hour},
	} {
		test.b.init()
		s := test.b.settings
		c := s.newCircuit(hostKey{})
		c.openings = test.openings
		for range 500 {
			if d := c.openTime(s, Verdict{Hint: Hint{After: test.hint}}); d < test.low || d > test.top {
				t.Fatalf("%s: %v, want from %v to %v", test.name, d, test.low, test.top)
			}
		}
	}
}

func TestBreakerRetryAfterIsAFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{FailureThreshold: 1}
		send(t, b.Wrap(script(header("Retry-After", "90"))), get(t, "http://a.test"))
		if got := the(t, &b).Left; got != 90*time.Second {
			t.Errorf("it is open for %v, want the 90 s that the service asked for", got)
		}
	})
}

func TestBreakerIgnoresResultsOfAnEarlierState(t *testing.T) {
	for _, test := range []struct {
		name string
		late int // what comes of the call that began while it was closed
	}{
		{"a late success", 200},
		{"a late failure", 503},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := Breaker{FailureThreshold: 1, Successes: 2}
				base := newPatient()
				rt := b.Wrap(base)
				late := []func(int){base.begin(t, rt), base.begin(t, rt), base.begin(t, rt)}
				base.begin(t, rt)(503)
				before := the(t, &b)
				late[0](test.late)
				if got := the(t, &b); got != before {
					t.Errorf("it changed an open circuit from %+v to %+v", before, got)
				}
				time.Sleep(time.Minute)
				probe := base.begin(t, rt)
				before = the(t, &b)
				late[1](test.late)
				if got := the(t, &b); got != before {
					t.Errorf("it changed a half-open circuit from %+v to %+v", before, got)
				}
				probe(200)
				base.begin(t, rt)(200)
				before = the(t, &b)
				if before.State != Closed {
					t.Fatalf("it is %v", before.State)
				}
				late[2](test.late)
				if got := the(t, &b); got != before {
					t.Errorf("it changed a circuit that closed again from %+v to %+v", before, got)
				}
			})
		})
	}
}

func TestBreakerIgnoresALateProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{FailureThreshold: 1, Probes: 2, Successes: 1}
		base := newPatient()
		rt := b.Wrap(base)
		base.begin(t, rt)(503)
		time.Sleep(time.Minute)
		first, second := base.begin(t, rt), base.begin(t, rt)
		first(503) // opens it again
		before := the(t, &b)
		second(200)
		if got := the(t, &b); got != before {
			t.Errorf("the probe of the last opening changed %+v to %+v", before, got)
		}
		time.Sleep(2 * time.Minute)
		// Its place is not given back twice: there are two still.
		third, fourth := base.begin(t, rt), base.begin(t, rt)
		if !refuses(t, rt) {
			t.Error("there were more than two probes")
		}
		third(429)
		fourth(429)
	})
}

func TestBreakerProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{FailureThreshold: 1, Probes: 2}
		base := newPatient()
		rt := b.Wrap(base)
		base.begin(t, rt)(503)
		time.Sleep(time.Minute)
		first, second := base.begin(t, rt), base.begin(t, rt)
		req, trip := withTrip(get(t, "http://a.test"))
		_, _, err := send(t, rt, req)
		if e, ok := errors.AsType[*OpenError](err); !ok || e.State != HalfOpen || e.Left() != 0 {
			t.Errorf("a third probe got %v, want a refusal by a half-open circuit", err)
		}
		if got := trip.Circuit(); got != (CircuitRef{"http://a.test", HalfOpen}) {
			t.Errorf("the trip says %+v", got)
		}
		first(429) // neutral: it counts for nothing and frees its place
		if got := the(t, &b); got.State != HalfOpen || got.Successes != 0 {
			t.Errorf("a neutral probe made it %+v", got)
		}
		third := base.begin(t, rt)
		second(200)
		third(404)
		base.begin(t, rt)(200)
		if got := the(t, &b); got.State != Closed {
			t.Errorf("three probes that went well made it %+v", got)
		}
	})
}

func TestBreakerFreesTheProbesPlace(t *testing.T) {
	for _, test := range []struct {
		name string
		end  Func
	}{
		{"when the base panics", func(*http.Request) (*http.Response, error) { panic("base") }},
		{"when the base ends the goroutine", func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil }},
		{"when the caller cancels", func(*http.Request) (*http.Response, error) { return nil, context.Canceled }},
		{"when the answer is neutral", func(req *http.Request) (*http.Response, error) { return answer(req, 429, ""), nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := Breaker{FailureThreshold: 1}
				end := Func(script(503).RoundTrip)
				rt := b.Wrap(Func(func(req *http.Request) (*http.Response, error) { return end(req) }))
				send(t, rt, get(t, "http://a.test"))
				time.Sleep(time.Minute)
				end = test.end
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { recover() }()
					rt.RoundTrip(get(t, "http://a.test"))
				}()
				<-done
				if got := the(t, &b); got.State != HalfOpen {
					t.Errorf("it is %+v, want half-open still", got)
				}
				end = script(200).RoundTrip
				if refuses(t, rt) {
					t.Error("the place is held for ever")
				}
			})
		})
	}
}

func TestBreakerOperators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Breaker
		rt := b.Wrap(script(200))
		if b.Open("http://a.test") || b.Hold("http://a.test") || b.Reset("http://a.test") {
			t.Error("there is no such circuit yet")
		}
		send(t, rt, get(t, "http://a.test"))
		if !b.Open("http://a.test") || !refuses(t, rt) {
			t.Error("Open did not open it")
		}
		time.Sleep(time.Minute)
		if refuses(t, rt) {
			t.Error("Open opened it for longer than OpenFor")
		}
		if !b.Hold("http://a.test") {
			t.Error("Hold did not find it")
		}
		time.Sleep(1000 * time.Hour)
		if !refuses(t, rt) {
			t.Error("Hold did not hold it open")
		}
		if got := the(t, &b); got.Left < 1000*time.Hour {
			t.Errorf("it says %v are left", got.Left)
		}
		if !b.Reset("http://a.test") || refuses(t, rt) {
			t.Error("Reset did not close it")
		}
	})
}

func TestBreakerReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{FailureThreshold: 2}
		base := newPatient()
		rt := b.Wrap(base)
		late := base.begin(t, rt)
		base.begin(t, rt)(503)
		b.Reset("http://a.test")
		if got := the(t, &b); got.Failures != 0 {
			t.Errorf("Reset left %d failures", got.Failures)
		}
		late(503)
		if got := the(t, &b); got.Failures != 0 {
			t.Error("a failure that began before Reset was counted after it")
		}
	})
}

func TestBreakerDryRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []State
		b := Breaker{FailureThreshold: 1, Successes: 1, DryRun: true, OnChange: func(c Change) { seen = append(seen, c.To) }}
		base := script(503)
		rt := b.Wrap(base)
		for range 5 {
			req, trip := withTrip(get(t, "http://a.test"))
			if _, _, err := send(t, rt, req); err != nil {
				t.Errorf("it refused: %v", err)
			}
			if got := trip.Circuit().State; (base.calls() > 1) != (got == Open) {
				t.Errorf("call %d: the trip says %v", base.calls(), got)
			}
		}
		if got := the(t, &b); base.calls() != 5 || got.State != Open || got.Rejected != 4 || got.Failures != 1 {
			t.Errorf("after %d calls: %+v; want open, 4 that would have been refused, nothing else counted", base.calls(), got)
		}
		time.Sleep(time.Minute)
		base.steps = []any{200}
		send(t, rt, get(t, "http://a.test"))
		if !slices.Equal(seen, []State{Open, HalfOpen, Closed}) {
			t.Errorf("it was told of %v", seen)
		}
	})
}

func TestCircuitAsJSON(t *testing.T) {
	got, err := json.Marshal(Circuit{Key: "http://a.test", State: HalfOpen, Failures: 1, Threshold: 5})
	want := `{"key":"http://a.test","state":"half-open","failure_count":1,"failure_threshold":5,"successes":0,"time_left_ns":0}`
	if string(got) != want || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// A call that saw the circuit half-open may come to its lock when a probe has
// failed meanwhile.
func TestBreakerThatOpenedAnewMeanwhileRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{FailureThreshold: 1}
		send(t, b.Wrap(script(503)), get(t, "http://a.test"))
		c := b.circuit(hostKey{"http", "a.test"})
		if _, err := c.allowProbe(b.settings); !errors.Is(err, ErrCircuitOpen) {
			t.Errorf("just before its time is over: %v, want a refusal", err)
		}
		time.Sleep(time.Minute)
		if p, err := c.allowProbe(b.settings); err != nil || !p.probe {
			t.Errorf("then: %+v, %v; want a probe", p, err)
		}
	})
}
