package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// patient is a base whose answers are given by hand: each call waits until
// somebody answers it, unless it is over before it begins.
type patient struct{ calls chan chan int }

func newPatient() *patient { return &patient{make(chan chan int)} }

func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	if ctx := req.Context(); ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
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

func TestBreakerAPanicWhileClosedPassesThrough(t *testing.T) {
	var b Breaker
	rt := b.Wrap(Func(func(*http.Request) (*http.Response, error) { panic("base") }))
	if got := mustPanic(t, func() { rt.RoundTrip(get(t, "http://a.test")) }); got != "base" {
		t.Errorf("the panic is %v", got)
	}
}

// Many circuits may be open at once: what counts their refusals is there when
// they open.
func TestBreakerFirstRefusalsAllocateNothing(t *testing.T) {
	b := Breaker{FailureThreshold: 1}
	rt := b.Wrap(script(503))
	var all []*http.Request
	for i := range 101 {
		all = append(all, get(t, fmt.Sprintf("http://%d.test", i)))
		send(t, rt, all[i])
	}
	if n := testing.AllocsPerRun(len(all)-1, func() {
		rt.RoundTrip(all[0])
		all = all[1:]
	}); n != 0 {
		t.Errorf("each costs %v allocations", n)
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

func TestEachAttemptOfATripHasItsCircuit(t *testing.T) {
	b := Breaker{FailureThreshold: 1}
	req, trip := withTrip(get(t, "http://a.test"))
	send(t, atOnce(Retry{}).Wrap(b.Wrap(script(503))), req)
	var states []State
	for _, a := range trip.Attempts() {
		states = append(states, a.Circuit.State)
	}
	if !slices.Equal(states, []State{Closed, Open}) {
		t.Errorf("the attempts found the circuit %v, want closed before the call and open after one failure", states)
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
		{"OpenFor may be as long as MaxOpenFor", &Breaker{OpenFor: 2, MaxOpenFor: 2}, ""},
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
