package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// patient is a base whose answers are given by hand: each call waits until
// somebody answers it.
type patient struct{ calls chan chan int }

func newPatient() *patient { return &patient{make(chan chan int)} }

func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	code := make(chan int)
	p.calls <- code
	return answer(req, <-code, ""), nil
}

// begin sends a call, and returns what answers it and waits for its end.
func (p *patient) begin(t *testing.T, rt http.RoundTripper) (end func(code int)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		send(t, rt, get(t, "http://a.test"))
	}()
	select {
	case code := <-p.calls:
		return func(c int) { code <- c; <-done }
	case <-done:
		t.Fatal("the call did not reach the base")
		return nil
	}
}

// the returns the state of the only circuit.
func the(t *testing.T, b *Breaker) Circuit {
	t.Helper()
	all := b.States()
	if len(all) != 1 {
		t.Fatalf("there are %d circuits: %+v", len(all), all)
	}
	return all[0]
}

// refuses reports whether a call is refused by an open circuit.
func refuses(t *testing.T, rt http.RoundTripper) bool {
	t.Helper()
	_, _, err := send(t, rt, get(t, "http://a.test"))
	return errors.Is(err, ErrCircuitOpen)
}

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

func TestBreakerOutcomes(t *testing.T) {
	for _, test := range []struct {
		name string
		step any
		want int // failures after two of them, if the first was one
	}{
		{"a 503 counts", 503, 2},
		{"a refused connection counts", errRefused, 2},
		{"a 200 takes one away", 200, 0},
		{"a 404 is an answer", 404, 0},
		{"a 429 says nothing", 429, 1},
		{"a 401 says nothing", 401, 1},
		{"the caller's own cancel says nothing", context.Canceled, 1},
		{"another circuit's refusal says nothing", &OpenError{}, 1},
		{"our own want of descriptors says nothing", &net.OpError{Op: "dial", Err: syscall.EMFILE}, 1},
	} {
		var b Breaker
		rt := b.Wrap(script(503, test.step))
		send(t, rt, get(t, "http://a.test"))
		send(t, rt, get(t, "http://a.test"))
		if got := the(t, &b).Failures; got != test.want {
			t.Errorf("%s: %d failures, want %d", test.name, got, test.want)
		}
	}
}

func TestBreakerLeavesADeadContextToTheTransport(t *testing.T) {
	var b Breaker
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	base := script(io.EOF)
	send(t, b.Wrap(base), get(t, "http://a.test").WithContext(ctx))
	if base.calls() != 1 || len(b.States()) != 0 {
		t.Errorf("%d calls, %d circuits; want the transport to refuse it, and no circuit", base.calls(), len(b.States()))
	}
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

func TestBreakerAPanicWhileClosedPassesThrough(t *testing.T) {
	var b Breaker
	rt := b.Wrap(Func(func(*http.Request) (*http.Response, error) { panic("base") }))
	if got := mustPanic(t, func() { rt.RoundTrip(get(t, "http://a.test")) }); got != "base" {
		t.Errorf("the panic is %v", got)
	}
}

func TestBreakerRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{FailureThreshold: 1}
		base := script(503)
		rt := b.Wrap(base)
		send(t, rt, get(t, "http://a.test"))
		time.Sleep(10 * time.Second)
		sent := body("data")
		req, trip := withTrip(newRequest(t, http.MethodPost, "http://a.test/path?key=secret", sent))
		_, _, err := send(t, rt, req)
		sent.closedOnce(t, "the body of a request that was refused")
		e, ok := errors.AsType[*OpenError](err)
		if !ok || !errors.Is(err, ErrCircuitOpen) || e.Key != "http://a.test" || e.State != Open || e.Left() != 50*time.Second {
			t.Errorf("the refusal is %#v", err)
		}
		if want := "transport: circuit open: http://a.test is open"; err.Error() != want {
			t.Errorf("it says %q, want %q", err, want)
		}
		if got := Classify(req, nil, err); got != (Verdict{Outcome: Neutral, Category: CircuitOpen, Severity: Medium, Recoverable: true, Sent: Unsent, Hint: Hint{After: 50 * time.Second}}) {
			t.Errorf("its verdict is %+v", got)
		}
		f, ok := errors.AsType[*Failure](fmt.Errorf("mine: %w", err))
		if !ok || f.Category != CircuitOpen || f.Message != "transport: circuit open" || !errors.Is(f, ErrCircuitOpen) || !f.Recoverable || f.Host != "a.test" {
			t.Errorf("as a Failure it is %#v", f)
		}
		if _, ok := errors.AsType[*TimeoutError](err); ok {
			t.Error("it is a TimeoutError too")
		}
		if got := trip.Circuit(); got != (CircuitRef{"http://a.test", Open}) {
			t.Errorf("the trip says %+v", got)
		}
		if base.calls() != 1 {
			t.Errorf("the base saw %d calls", base.calls())
		}
		plain := get(t, "http://a.test")
		if n := testing.AllocsPerRun(100, func() { rt.RoundTrip(plain) }); n != 0 {
			t.Errorf("a refusal costs %v allocations", n)
		}
	})
}

func TestBreakerInATrip(t *testing.T) {
	var b Breaker
	req, trip := withTrip(get(t, "http://A.test:80/x"))
	send(t, b.Wrap(script(200)), req)
	if got := trip.Circuit(); got != (CircuitRef{"http://a.test", Closed}) {
		t.Errorf("the trip says %+v", got)
	}
}

func TestBreakerInRetry(t *testing.T) {
	// The attempts of one call open the circuit, and the refusal ends the call.
	b := Breaker{FailureThreshold: 2}
	base := script(503)
	req, trip := withTrip(get(t, "http://a.test"))
	_, _, err := send(t, Chain(base, atOnce(Retry{MaxAttempts: 9}).Wrap, b.Wrap), req)
	if base.calls() != 2 || !errors.Is(err, ErrCircuitOpen) || trip.GaveUp() != ReasonVerdict {
		t.Errorf("%d attempts, %v, gave up because of %q", base.calls(), err, trip.GaveUp())
	}
}

func TestBreakerKeys(t *testing.T) {
	for _, test := range []struct {
		name string
		key  func(*http.Request) string
		a, b string
		same bool
	}{
		{"one host is one circuit", nil, "http://a.test/x", "http://a.test/y?z", true},
		{"two hosts are two", nil, "http://a.test", "http://b.test", false},
		{"two ports are two", nil, "http://a.test:1", "http://a.test:2", false},
		{"two schemes are two", nil, "http://a.test", "https://a.test", false},
		{"case does not matter", nil, "http://a.test", "HTTP://A.Test", true},
		{"the scheme's own port does not", nil, "https://a.test", "https://a.test:443", true},
		{"nor for http", nil, "http://a.test", "http://a.test:80", true},
		{"the other scheme's port does", nil, "http://a.test", "http://a.test:443", false},
		{"an empty port does not", nil, "http://a.test", "http://a.test:", true},
		{"nor with IPv6", nil, "http://[::1]", "http://[::1]:80", true},
		{"user and password do not", nil, "http://a.test", "http://u:p@a.test", true},
		{"a key of one's own decides", func(*http.Request) string { return "all" }, "http://a.test", "http://b.test", true},
		{"and is taken as it is", func(r *http.Request) string { return r.URL.Host }, "http://a.test", "http://A.test", false},
	} {
		b := Breaker{Key: test.key}
		rt := b.Wrap(script(200))
		for _, url := range []string{test.a, test.b, test.a} {
			req := get(t, "http://a.test")
			req.URL = parseURL(t, url)
			if strings.HasPrefix(url, "HTTP") {
				req.URL.Scheme = "HTTP"
			}
			send(t, rt, req)
		}
		if got := len(b.States()) == 1; got != test.same {
			t.Errorf("%s: the circuits are %+v", test.name, b.States())
		}
	}
}

func TestBreakerOfARequestWithoutURL(t *testing.T) {
	var b Breaker
	req := get(t, "http://a.test")
	req.URL = nil
	if _, err := b.Wrap(new(http.Transport)).RoundTrip(req); err == nil {
		t.Error("there was no error")
	}
}

func TestBreakerOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Breaker
		var seen []string
		b = Breaker{FailureThreshold: 1, Successes: 1, OnChange: func(c Change) {
			// All methods may be called from here.
			if got := the(t, &b); got.State != c.To {
				t.Errorf("told of %v, States says %v", c.To, got.State)
			}
			if !c.Time.Equal(time.Now()) || c.Key != "http://a.test" {
				t.Errorf("the change is %+v", c)
			}
			b.Reset("no such key")
			seen = append(seen, fmt.Sprintf("%v to %v %v", c.From, c.To, c.OpenFor))
		}}
		rt := b.Wrap(script(503, 200, 503))
		send(t, rt, get(t, "http://a.test"))
		send(t, rt, get(t, "http://a.test"))
		time.Sleep(time.Minute)
		send(t, rt, get(t, "http://a.test"))
		b.Open("http://a.test")
		b.Hold("http://a.test") // open already: no change
		b.Reset("http://a.test")
		b.Reset("http://a.test")
		want := []string{"closed to open 1m0s", "open to half-open 0s", "half-open to closed 0s", "closed to open 1m0s", "open to closed 0s"}
		if !slices.Equal(seen, want) {
			t.Errorf("it was told\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestBreakerOnChangeMayBreak(t *testing.T) {
	// A hook that panics leaves no lock behind.
	b := Breaker{FailureThreshold: 1, OnChange: func(Change) { panic("hook") }}
	rt := b.Wrap(script(503))
	mustPanic(t, func() { rt.RoundTrip(get(t, "http://a.test")) })
	if got := the(t, &b); got.State != Open || !refuses(t, rt) {
		t.Errorf("it is %+v", got)
	}
}

func TestBreakerOnChangeThatBreaksHoldsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{FailureThreshold: 1, Successes: 1, OnChange: func(c Change) {
			if c.To == HalfOpen {
				panic("hook")
			}
		}}
		rt := b.Wrap(script(503, 200))
		send(t, rt, get(t, "http://a.test"))
		time.Sleep(time.Minute)
		mustPanic(t, func() { rt.RoundTrip(get(t, "http://a.test")) })
		if refuses(t, rt) {
			t.Error("the place of the probe is held for ever")
		}
	})
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

func TestBreakerIsBounded(t *testing.T) {
	for _, test := range []struct{ set, want int }{{0, 10_000}, {100, 100}} {
		b := Breaker{MaxCircuits: test.set}
		rt := b.Wrap(Func(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 503, Body: http.NoBody}, nil
		}))
		n := 2 * test.want
		req := get(t, "http://a.test")
		for i := range n {
			req.URL.Host = fmt.Sprintf("%d.test", i)
			rt.RoundTrip(req)
			if i%7 == 0 { // one that is in use stays
				req.URL.Host = "0.test"
				rt.RoundTrip(req)
			}
		}
		all := b.States()
		if len(all) > test.want || len(all) < test.want*9/10 {
			t.Errorf("%d circuits for %d hosts, want about %d and no more", len(all), n, test.want)
		}
		if !slices.ContainsFunc(all, func(c Circuit) bool { return c.Key == "http://0.test" && c.State == Open }) {
			t.Error("the circuit that is in use left")
		}
		if !slices.IsSortedFunc(all, func(x, y Circuit) int { return strings.Compare(x.Key, y.Key) }) {
			t.Error("States is not in order")
		}
	}
}

func TestBreakerValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		b    *Breaker
		want string
	}{
		{"the zero value is valid", new(Breaker), ""},
		{"FailureThreshold", &Breaker{FailureThreshold: -1}, "Breaker.FailureThreshold"},
		{"Probes", &Breaker{Probes: -1}, "Breaker.Probes"},
		{"Successes", &Breaker{Successes: -1}, "Breaker.Successes"},
		{"MaxCircuits", &Breaker{MaxCircuits: -1}, "Breaker.MaxCircuits"},
		{"OpenFor", &Breaker{OpenFor: -1}, "Breaker.OpenFor"},
		{"MaxOpenFor", &Breaker{MaxOpenFor: -1}, "Breaker.MaxOpenFor"},
		{"OpenFor above MaxOpenFor", &Breaker{OpenFor: 2, MaxOpenFor: 1}, "Breaker.OpenFor"},
		{"a rule and an engine", &Breaker{Rule: Leaky{}, Engine: new(toyEngine)}, "Breaker.Rule"},
		{"a rule's own field", &Breaker{Rule: Ratio{Share: 2}}, "Ratio.Share"},
	} {
		err := test.b.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if err != nil {
			mustPanic(t, func() { test.b.Wrap(nil) })
			mustPanic(t, func() { test.b.Wrap(nil) })
		}
	}
	all := (&Breaker{Probes: -1, Successes: -1}).Validate().Error()
	if !strings.Contains(all, "Probes") || !strings.Contains(all, "Successes") {
		t.Errorf("two faults are told as %q", all)
	}
}

func TestBreakerIsShared(t *testing.T) {
	b := Breaker{FailureThreshold: 1}
	one := b.Wrap(script(503))
	b.FailureThreshold = 100 // too late
	two := b.Wrap(script(200))
	send(t, one, get(t, "http://a.test"))
	if !refuses(t, two) {
		t.Error("the second Wrap does not know what the first one saw")
	}
}

func TestBreakerStatesBeforeAnyWrap(t *testing.T) {
	var b Breaker
	if got := b.States(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestCircuitAsJSON(t *testing.T) {
	got, err := json.Marshal(Circuit{Key: "http://a.test", State: HalfOpen, Failures: 1, Threshold: 5})
	want := `{"key":"http://a.test","state":"half-open","failure_count":1,"failure_threshold":5,"successes":0,"time_left_ns":0}`
	if string(got) != want || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// TestBreakerWalk walks at random, and compares each step with the simplest
// circuit that one could write.
func TestBreakerWalk(t *testing.T) {
	steps := 25_000 // of each of four walks
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for n := range uint64(4) {
		synctest.Test(t, func(t *testing.T) { walk(t, rand.New(rand.NewPCG(seed, n)), steps) })
	}
}

// naive is a circuit without locks, generations or words.
type naive struct {
	threshold, probes, successes int

	state     State
	until     time.Time
	failures  int
	onTheWay  int
	inARow    int
	openings  int
	epoch     int // counts changes of state
	rejected  uint64
	longest   time.Duration
	shortest  time.Duration
	changedTo []State
}

func (n *naive) become(s State) {
	n.state, n.onTheWay, n.inARow = s, 0, 0
	n.epoch++
	n.changedTo = append(n.changedTo, s)
}

func (n *naive) allow() (passes, probe bool) {
	if n.state == Open && !time.Now().Before(n.until) {
		n.become(HalfOpen)
	}
	switch {
	case n.state == Closed:
		return true, false
	case n.state == HalfOpen && n.onTheWay < n.probes:
		n.onTheWay++
		return true, true
	}
	n.rejected++
	return false, false
}

func (n *naive) trip() {
	n.longest = min(10*time.Minute, time.Minute<<min(n.openings, 10))
	n.shortest = n.longest
	if n.openings > 0 {
		n.shortest = n.longest * 4 / 5
	}
	n.become(Open)
}

func (n *naive) report(epoch int, probe bool, o Outcome) {
	if epoch != n.epoch {
		return
	}
	if probe {
		n.onTheWay--
	}
	switch {
	case o == Neutral:
	case probe && o == Failed:
		n.openings++
		n.trip()
	case probe:
		if n.inARow++; n.inARow == n.successes {
			n.become(Closed)
			n.failures, n.openings = 0, 0
		}
	case o == Failed:
		if n.failures++; n.failures == n.threshold {
			n.trip()
		}
	default:
		n.failures = max(0, n.failures-1)
	}
}

func walk(t *testing.T, r *rand.Rand, steps int) {
	type flight struct {
		end   func(int)
		epoch int
		probe bool
	}
	model := &naive{threshold: 1 + r.IntN(5), probes: 1 + r.IntN(3), successes: 1 + r.IntN(4)}
	var told []State
	b := Breaker{
		FailureThreshold: model.threshold, Probes: model.probes, Successes: model.successes,
		OnChange: func(c Change) { told = append(told, c.To) },
	}
	base := newPatient()
	rt := b.Wrap(base)
	var inFlight []flight
	for step := range steps {
		switch what := r.IntN(10); {
		case what < 4 && len(inFlight) < 8: // a call begins
			before := model.state
			if passes, probe := model.allow(); passes {
				inFlight = append(inFlight, flight{base.begin(t, rt), model.epoch, probe})
			} else if !refuses(t, rt) {
				t.Fatalf("step %d: a call passed a circuit that is %v", step, before)
			}
		case what < 8 && len(inFlight) > 0: // a call ends
			i := r.IntN(len(inFlight))
			f := inFlight[i]
			inFlight = slices.Delete(inFlight, i, i+1)
			code := [...]int{200, 200, 503, 503, 503, 429}[r.IntN(6)]
			f.end(code)
			wasOpen := model.epoch
			model.report(f.epoch, f.probe, Classify(nil, &http.Response{StatusCode: code}, nil).Outcome)
			if model.epoch != wasOpen && model.state == Open {
				left := the(t, &b).Left
				if left > model.longest || left < model.shortest {
					t.Fatalf("step %d: it opened for %v, want from %v to %v", step, left, model.shortest, model.longest)
				}
				model.until = time.Now().Add(left)
			}
		case what == 8:
			time.Sleep(time.Duration(r.IntN(100)) * time.Second)
		case what == 9 && step%50 == 0 && len(b.States()) > 0:
			b.Reset("http://a.test")
			if model.state != Closed {
				model.become(Closed)
			} else {
				model.epoch++
			}
			model.failures, model.openings = 0, 0
		}
		if len(b.States()) == 0 {
			continue
		}
		got := the(t, &b)
		if got.State != model.state || got.Failures != model.failures || got.Successes != model.inARow || got.Rejected != model.rejected {
			t.Fatalf("step %d: got %+v, the model has %+v", step, got, *model)
		}
		if !slices.Equal(told, model.changedTo) {
			t.Fatalf("step %d: it told of %v, the model of %v", step, told, model.changedTo)
		}
		told, model.changedTo = nil, nil
	}
	for _, f := range inFlight {
		f.end(200)
	}
}

func TestBreakerConcurrently(t *testing.T) {
	b := Breaker{FailureThreshold: 3, OpenFor: time.Microsecond, Probes: 2, OnChange: func(Change) {}}
	rt := b.Wrap(Func(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: [...]int{200, 503, 503, 429}[rand.IntN(4)], Body: http.NoBody}, nil
	}))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			req := get(t, "http://a.test")
			req.URL.Host = fmt.Sprintf("%d.test", i%2)
			for range 500 {
				rt.RoundTrip(req)
			}
			b.States()
			b.Open("http://0.test")
			b.Reset("http://0.test")
		})
	}
	wg.Wait()
	for _, c := range b.States() {
		b.Reset(c.Key)
	}
	if got := b.States(); len(got) != 2 || got[0].State != Closed {
		t.Errorf("at the end: %+v", got)
	}
}

func TestBreakerWrapsAtOnce(t *testing.T) {
	var b Breaker
	var budget Budget
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			rt := Chain(script(503), atOnce(Retry{Budget: &budget}).Wrap, b.Wrap)
			send(t, rt, get(t, "http://a.test"))
			b.States()
			budget.States()
		})
	}
	wg.Wait()
}
