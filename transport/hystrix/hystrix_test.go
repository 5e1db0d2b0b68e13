package hystrix_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	hystrixgo "github.com/afex/hystrix-go/hystrix"
	metricCollector "github.com/afex/hystrix-go/hystrix/metric_collector"
	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/hystrix"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// hystrix-go runs on the real clock, and counts on goroutines of its own. So
// these tests never wait for a time to pass: they ask until something is so,
// up to a deadline that only a broken program meets.

func TestMain(m *testing.M) {
	metricCollector.Registry.Register(newCollector)
	os.Exit(m.Run())
}

// collectors are those that hystrix-go asked for, the newest one of each name.
var collectors sync.Map

func newCollector(name string) metricCollector.MetricCollector {
	c := new(collector)
	collectors.Store(name, c)
	return c
}

// A collector is a user's own. It sums up what hystrix-go tells it.
type collector struct {
	mu  sync.Mutex // guards sum
	sum metricCollector.MetricResult
}

func (c *collector) Update(r metricCollector.MetricResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.Attempts += r.Attempts
	c.sum.Errors += r.Errors
	c.sum.Successes += r.Successes
	c.sum.Failures += r.Failures
	c.sum.Timeouts += r.Timeouts
	c.sum.ShortCircuits += r.ShortCircuits
	c.sum.ContextCanceled += r.ContextCanceled
}

func (c *collector) Reset() {} // comes with each close

// collected returns what came for a circuit.
func collected(name string) metricCollector.MetricResult {
	v, _ := collectors.Load(name)
	c, ok := v.(*collector)
	if !ok {
		return metricCollector.MetricResult{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum
}

// eventually fails the test unless ok comes true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

const (
	host   = "http://a.test"
	second = "http://b.test"
	third  = "http://c.test"
	fourth = "http://d.test"
)

// A world is a Breaker on hystrix-go around a base that answers as each call
// asks it to.
type world struct {
	t *testing.T
	transport.Breaker
	rt http.RoundTripper

	mu      sync.Mutex // guards changes
	changes []transport.State
}

// Circuits that open at half of four calls. Of the one a probe may pass at
// once, of the other never.
var (
	restless = hystrixgo.CommandConfig{RequestVolumeThreshold: 4, ErrorPercentThreshold: 50, SleepWindow: 1}
	calm     = hystrixgo.CommandConfig{RequestVolumeThreshold: 4, ErrorPercentThreshold: 50, SleepWindow: 3_600_000}
)

func newWorld(t *testing.T, command hystrixgo.CommandConfig) *world {
	t.Helper()
	return breaking(&world{t: t}, command)
}

func dryWorld(t *testing.T, command hystrixgo.CommandConfig) *world {
	t.Helper()
	return breaking(&world{t: t, Breaker: transport.Breaker{DryRun: true}}, command)
}

func breaking(w *world, command hystrixgo.CommandConfig) *world {
	hystrixgo.Flush() // the circuits of other tests
	w.Engine = &hystrix.Engine{Command: command, MaxNames: 2}
	w.OnChange = func(c transport.Change) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changes = append(w.changes, c.To)
	}
	w.rt = w.Wrap(transport.Func(answer))
	return w
}

// held is in the context of a call that the base keeps.
type held struct {
	here   chan struct{}
	status chan int
}

type heldKey struct{}

func answer(req *http.Request) (*http.Response, error) {
	status, _ := strconv.Atoi(req.Header.Get("Answer"))
	if h, ok := req.Context().Value(heldKey{}).(held); ok {
		close(h.here)
		status = <-h.status
	}
	return rttest.Script(status).RoundTrip(req)
}

// call makes a call that is answered with a status, if it passes.
func (w *world) call(url string, status int) (passed bool) {
	w.t.Helper()
	return w.send(w.t.Context(), url, status)
}

func (w *world) send(ctx context.Context, url string, status int) (passed bool) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Answer", strconv.Itoa(status))
	resp, err := w.rt.RoundTrip(req)
	if resp != nil {
		resp.Body.Close()
	}
	return !errors.Is(err, transport.ErrCircuitOpen)
}

const neutral = http.StatusTooManyRequests

// begin makes a call that the base keeps until end is called. It returns nil
// if the call does not pass.
func (w *world) begin(url string) (end func(status int)) {
	w.t.Helper()
	h := held{make(chan struct{}), make(chan int)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.send(context.WithValue(w.t.Context(), heldKey{}, h), url, 0)
	}()
	select {
	case <-h.here:
		return func(s int) { h.status <- s; <-done }
	case <-done:
		return nil
	}
}

// probe waits until a probe passes, and keeps it.
func (w *world) probe(url string) (end func(status int)) {
	w.t.Helper()
	eventually(w.t, "a probe passes", func() bool {
		end = w.begin(url)
		return end != nil
	})
	w.settle(url) // else refusals that are still queued would count after it closes
	return end
}

// open makes calls fail until the circuit opens.
func (w *world) open(url string) {
	w.t.Helper()
	eventually(w.t, "the circuit opens", func() bool {
		w.call(url, http.StatusInternalServerError)
		return w.state(url) == transport.Open
	})
}

// settle waits until hystrix-go has counted all that was reported for an open
// circuit: it does so in order, and the last one is ours.
func (w *world) settle(name string) {
	w.t.Helper()
	before := collected(name).ContextCanceled
	c, _, _ := hystrixgo.GetCircuit(name)
	if err := c.ReportEvent([]string{"context_canceled"}, time.Now(), 0); err != nil {
		w.t.Fatal(err)
	}
	eventually(w.t, "all events are counted", func() bool { return collected(name).ContextCanceled > before })
}

func (w *world) state(key string) transport.State {
	w.t.Helper()
	for _, c := range w.States() {
		if c.Key == key {
			return c.State
		}
	}
	w.t.Fatalf("there is no circuit %s", key)
	return 0
}

// wants fails the test unless the circuit is in this state.
func (w *world) wants(key string, s transport.State, when string) {
	w.t.Helper()
	if got := w.state(key); got != s {
		w.t.Errorf("%s, %s is %v; want %v", when, key, got, s)
	}
}

func TestItOpensByHystrixsRule(t *testing.T) {
	for _, tt := range []struct {
		when     string
		statuses []int
		opens    bool
	}{
		{"not below the volume", []int{500, 500, 500}, false},
		{"at the volume, when all fail", []int{500, 500, 500, 500}, true},
		{"at the volume, at the share of errors", []int{200, 200, 500, 500}, true},
		{"not below the share of errors", []int{200, 200, 200, 500}, false},
		{"for timeouts too", []int{200, 200, 504, 504}, true},
		{"not for what is no failure", []int{404, 404, 404, 404}, false},
		{"not for what says nothing of the service, which does not count", []int{500, neutral, 500, neutral, 500, neutral}, false},
	} {
		t.Run(tt.when, func(t *testing.T) {
			w := newWorld(t, calm)
			told := 0.0
			for _, status := range tt.statuses {
				if !w.call(host, status) {
					t.Fatal("a call was refused too soon")
				}
				if status != neutral {
					told++
				}
				eventually(t, "it is counted", func() bool { return collected(host).Attempts == told })
			}
			if tt.opens {
				eventually(t, "it opens", func() bool { return !w.call(host, neutral) })
				w.wants(host, transport.Open, "at last")
				return
			}
			for range 20 {
				if !w.call(host, neutral) {
					t.Fatal("it opened")
				}
			}
			w.wants(host, transport.Closed, "at last")
		})
	}
}

func TestProbes(t *testing.T) {
	w := newWorld(t, restless)
	w.open(host)

	end := w.probe(host)
	w.wants(host, transport.HalfOpen, "while a probe is on its way")
	for began := time.Now(); time.Since(began) < 10*time.Millisecond; { // the sleep window, ten times
		if w.call(host, 200) {
			t.Fatal("a second probe passed beside the first")
		}
	}
	end(http.StatusServiceUnavailable)
	w.wants(host, transport.Open, "after a probe that failed")

	w.probe(host)(neutral)
	w.wants(host, transport.HalfOpen, "after a probe that says nothing")

	w.probe(host)(http.StatusOK)
	w.wants(host, transport.Closed, "after one probe that went well")
	for range 10 {
		if !w.call(host, http.StatusOK) {
			t.Fatal("closed, it refuses")
		}
	}
	if want := []transport.State{transport.Open, transport.HalfOpen, transport.Open, transport.HalfOpen, transport.Closed}; !slices.Equal(w.changes, want) {
		t.Errorf("OnChange was told of %v, want %v", w.changes, want)
	}
}

// In hystrix-go itself any late success closes an open circuit.
func TestALateSuccess(t *testing.T) {
	for _, tt := range []struct {
		when string
		open func(*world)
	}{
		{"that began before the circuit opened", func(w *world) { w.open(host) }},
		{"that began before hystrix-go opened it unasked, as its stream does", func(w *world) {
			for range 4 {
				w.call(host, http.StatusInternalServerError)
			}
			c, _, _ := hystrixgo.GetCircuit(host)
			eventually(w.t, "it opens", c.IsOpen)
		}},
	} {
		t.Run(tt.when, func(t *testing.T) {
			w := newWorld(t, calm)
			end := w.begin(host)
			tt.open(w)
			end(http.StatusOK)
			w.settle(host)
			if n := collected(host).Successes; n != 0 {
				t.Errorf("hystrix-go was told of %v successes", n)
			}
			if w.call(host, http.StatusOK) {
				t.Error("it has closed the circuit")
			}
		})
	}
}

func TestALateProbe(t *testing.T) {
	w := newWorld(t, restless)
	w.open(host)
	late := w.begin(host)
	eventually(t, "a probe passes", func() bool {
		if late == nil {
			late = w.begin(host)
		}
		return late != nil
	})
	w.Hold(host)
	late(http.StatusOK)
	w.settle(host)
	if n := collected(host).Successes; n != 0 || w.call(host, http.StatusOK) {
		t.Errorf("hystrix-go was told of %v successes", n)
	}
}

func TestNamesPastMaxNamesShareOne(t *testing.T) {
	w := newWorld(t, calm) // MaxNames is 2
	for _, url := range []string{host, second, third, fourth, host, second, third, fourth} {
		if !w.call(url, http.StatusOK) {
			t.Fatalf("%s was refused", url)
		}
	}
	w.open(third)
	if w.call(fourth, http.StatusOK) {
		t.Errorf("%s does not share the circuit of %s", fourth, third)
	}
	if !w.call(host, http.StatusOK) || !w.call(second, http.StatusOK) {
		t.Errorf("%s and %s have no circuit of their own", host, second)
	}
	for name, known := range map[string]bool{host: true, second: true, third: false, fourth: false, hystrix.Other: true} {
		if _, made, _ := hystrixgo.GetCircuit(name); made == known {
			t.Errorf("hystrix-go has %s: %v, want %v", name, !made, known)
		}
	}
}

// A success of the one is no news of the other, even if they share a circuit.
func TestALateSuccessOfANeighbour(t *testing.T) {
	w := newWorld(t, calm)
	for _, url := range []string{host, second, third, fourth} {
		w.call(url, http.StatusOK)
	}
	end := w.begin(fourth)
	w.open(third)
	end(http.StatusOK)
	if w.call(third, http.StatusOK) {
		t.Errorf("a late success of %s has closed the circuit that it shares with %s", fourth, third)
	}
}

func TestMaxNames(t *testing.T) {
	for _, tt := range []struct {
		what       string
		max, names int
	}{
		{"zero is a hundred", 0, 100},
		{"negative is a hundred", -1, 100},
		{"one", 1, 1},
		{"more than are there", 1000, 150},
	} {
		t.Run(tt.what, func(t *testing.T) {
			hystrixgo.Flush()
			e := hystrix.Engine{MaxNames: tt.max}
			for range 2 {
				for n := range 150 {
					e.Allow("http://host" + strconv.Itoa(n) + ".test")
				}
			}
			own := 0
			for n := range 150 {
				if _, made, _ := hystrixgo.GetCircuit("http://host" + strconv.Itoa(n) + ".test"); !made {
					own++
				}
			}
			if own != tt.names {
				t.Errorf("%d names have a circuit of their own, want %d", own, tt.names)
			}
		})
	}
}

func TestGoroutines(t *testing.T) {
	w := newWorld(t, calm)
	for _, url := range []string{host, second, third} {
		w.call(url, http.StatusOK)
	}
	before := runtime.NumGoroutine()
	for n := range 1000 {
		w.call("http://host"+strconv.Itoa(n)+".test", http.StatusOK)
		w.call(host, http.StatusOK)
	}
	eventually(t, "there are as many goroutines as before 2,000 calls to 1,000 hosts", func() bool { return runtime.NumGoroutine() <= before })
}

func TestDryRun(t *testing.T) {
	w := dryWorld(t, restless)
	w.open(host)
	for range 20 {
		if !w.call(host, http.StatusInternalServerError) {
			t.Fatal("it refused a call")
		}
	}
	w.settle(host)
	if all := collected(host); all.ShortCircuits == 0 || all.Successes != 0 {
		t.Errorf("hystrix-go was told of %v refusals and %v successes", all.ShortCircuits, all.Successes)
	}
}

// What would have been refused passes in a dry run, but closes nothing.
func TestDryRunClosesNothing(t *testing.T) {
	w := dryWorld(t, calm)
	w.open(host)
	for range 20 {
		w.call(host, http.StatusOK)
	}
	w.wants(host, transport.Open, "after successes that would have been refused")
}

func TestOperators(t *testing.T) {
	w := newWorld(t, calm)
	w.call(host, http.StatusOK)
	w.Hold(host)
	if w.call(host, http.StatusOK) {
		t.Error("held open, it lets a call pass")
	}
	w.Reset(host)
	if !w.call(host, http.StatusOK) {
		t.Error("Reset does not undo Hold")
	}
	w.open(host)
	w.Reset(host)
	w.wants(host, transport.Closed, "after Reset")
	if w.call(host, http.StatusOK) {
		t.Error("Reset undoes what hystrix-go decides")
	}
	w.wants(host, transport.Open, "after the next call")
}

func TestRuleAndEngine(t *testing.T) {
	b := transport.Breaker{Engine: new(hystrix.Engine), Rule: transport.Ratio{}}
	if err := b.Validate(); err == nil || !strings.Contains(err.Error(), "Rule") || !strings.Contains(err.Error(), "Engine") {
		t.Errorf("both set, Validate returns %v", err)
	}
}

func TestACollectorSeesEveryEvent(t *testing.T) {
	w := newWorld(t, hystrixgo.CommandConfig{RequestVolumeThreshold: 100, SleepWindow: 3_600_000})
	for status, n := range map[int]int{200: 5, 404: 4, 500: 3, 504: 2, neutral: 7} {
		for range n {
			w.call(host, status)
		}
	}
	eventually(t, "all events are counted", func() bool { return collected(host).Attempts >= 14 })
	want := metricCollector.MetricResult{Attempts: 14, Successes: 9, Failures: 3, Timeouts: 2, Errors: 5}
	if got := collected(host); got != want {
		t.Errorf("the collector was told %+v, want %+v", got, want)
	}
	w = newWorld(t, calm)
	w.open(host)
	opened := collected(host)
	for range 6 {
		w.call(host, http.StatusOK)
	}
	w.settle(host)
	if got := collected(host); got.ShortCircuits < opened.ShortCircuits+6 || got.Successes != 0 {
		t.Errorf("after six refusals the collector was told %+v", got)
	}
}

func TestTheStreamShowsTheCircuit(t *testing.T) {
	w := newWorld(t, calm)
	w.call(host, http.StatusOK)
	w.call(host, http.StatusGatewayTimeout)
	w.open(host)
	w.call(host, http.StatusOK)

	stream := hystrixgo.NewStreamHandler()
	stream.Start()
	defer stream.Stop()
	server := httptest.NewServer(stream)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()

	type command struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Open     bool   `json:"isCircuitBreakerOpen"`
		Success  int    `json:"rollingCountSuccess"`
		Failure  int    `json:"rollingCountFailure"`
		Timeout  int    `json:"rollingCountTimeout"`
		Refused  int    `json:"rollingCountShortCircuited"`
		SleepFor int    `json:"propertyValue_circuitBreakerSleepWindowInMilliseconds"`
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		var got command
		if err := json.Unmarshal([]byte(data), &got); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		if got.Type != "HystrixCommand" || got.Name != host {
			continue
		}
		if !got.Open || got.Success != 1 || got.Timeout != 1 || got.Failure == 0 || got.Refused == 0 || got.SleepFor != calm.SleepWindow {
			t.Errorf("the stream shows %+v", got)
		}
		return
	}
	t.Errorf("the stream shows nothing of it: %v", lines.Err())
}

// An Engine serves whoever asks, also without a Breaker.
func TestOnItsOwn(t *testing.T) {
	hystrixgo.Flush()
	e := hystrix.Engine{Command: calm}
	if !e.Allow(host) || e.State(host) != transport.Closed {
		t.Error("a new circuit is not closed")
	}
	eventually(t, "it opens", func() bool {
		e.Report(host, transport.Result{Failed: true}) // without times
		return e.State(host) == transport.Open
	})
	if e.Allow(host) {
		t.Error("it is open and lets a call pass")
	}
	e.Report(host, transport.Result{Refused: true})
	e.Report(host, transport.Result{Failed: true, TimedOut: true, Began: time.Now(), Took: time.Second})
	eventually(t, "all is counted", func() bool { r := collected(host); return r.ShortCircuits == 1 && r.Timeouts == 1 })
}

func TestConcurrentUse(t *testing.T) {
	w := newWorld(t, restless)
	var passed, refused atomic.Int64
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 200 {
				status := http.StatusOK
				if n%3 != 0 {
					status = http.StatusInternalServerError
				}
				if w.send(t.Context(), "http://host"+strconv.Itoa((worker+n)%5)+".test", status) {
					passed.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if passed.Load() == 0 || passed.Load()+refused.Load() != 8*200 {
		t.Errorf("%d calls passed and %d were refused", passed.Load(), refused.Load())
	}
	// hystrix counts on goroutines of its own, and opens when these come round
	// to it.
	for n := 0; refused.Load() == 0; n++ {
		if n == 1_000_000 {
			t.Fatal("after a million failures the circuit is closed")
		}
		if !w.send(t.Context(), "http://host0.test", http.StatusInternalServerError) {
			refused.Add(1)
		}
	}
}

func TestContract(t *testing.T) {
	// A circuit that does not open, made before: rules count goroutines, and
	// hystrix-go keeps two for each name.
	hystrixgo.Flush()
	engine := &hystrix.Engine{Command: hystrixgo.CommandConfig{RequestVolumeThreshold: 1_000_000}}
	engine.Allow("contract")
	wrap := func(next http.RoundTripper) http.RoundTripper {
		return (&transport.Breaker{Engine: engine, Key: func(*http.Request) string { return "contract" }}).Wrap(next)
	}
	t.Run("HTTP1", func(t *testing.T) { rttest.Test(t, wrap) })
	t.Run("HTTP2", func(t *testing.T) { rttest.Suite{HTTP2: true}.Run(t, wrap) })
}
