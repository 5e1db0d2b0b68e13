package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/rttest"
	"golang.org/x/time/rate"
)

// A door is a base that keeps every call until it is let through, and counts
// how many it has inside.
type door struct {
	let          chan struct{}
	inside, most atomic.Int32
}

func newDoor() *door { return &door{let: make(chan struct{})} }

func (d *door) RoundTrip(req *http.Request) (*http.Response, error) {
	n := d.inside.Add(1)
	defer d.inside.Add(-1)
	for most := d.most.Load(); n > most && !d.most.CompareAndSwap(most, n); most = d.most.Load() {
	}
	select {
	case <-d.let:
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
	return rttest.Script(http.StatusNoContent).RoundTrip(req)
}

// post sends a POST with a body, and fails the test unless that is closed once.
func post(ctx context.Context, t *testing.T, rt http.RoundTripper, url string) error {
	t.Helper()
	body := &rttest.Body{Reader: strings.NewReader("question")}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		t.Error(err)
		return err
	}
	resp, err := rt.RoundTrip(req)
	if resp != nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if n := body.Closes(); n != 1 {
		t.Errorf("the request's body was closed %d times", n)
	}
	return err
}

// limitedBy returns what refused a call, "" if nothing did.
func limitedBy(err error) string {
	if e, ok := errors.AsType[*transport.LimitError](err); ok {
		return e.What
	}
	return ""
}

func TestLimitQueue(t *testing.T) {
	for _, tt := range []struct {
		what         string
		limit        transport.Limit
		calls        int
		inside, wait int
	}{
		{"places, and as many may wait", transport.Limit{Concurrency: 3, Wait: -1}, 10, 3, 3},
		{"a queue of its own length", transport.Limit{Concurrency: 3, Queue: 1, Wait: -1}, 10, 3, 1},
		{"no queue", transport.Limit{Concurrency: 3, Queue: -1}, 10, 3, 0},
		{"fewer calls than places", transport.Limit{Concurrency: 3}, 2, 2, 0},
		{"a place for each Key", transport.Limit{Concurrency: 1, Queue: -1, Key: func(req *http.Request) string { return req.URL.Path }}, 10, 10, 0},
	} {
		t.Run(tt.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDoor()
				rt := tt.limit.Wrap(d)
				var refused, passed atomic.Int32
				for n := range tt.calls {
					go func() {
						switch err := post(t.Context(), t, rt, "http://a.test/"+string(rune('a'+n))); {
						case err == nil:
							passed.Add(1)
						case limitedBy(err) == "queue":
							refused.Add(1)
						default:
							t.Error(err)
						}
					}()
				}
				synctest.Wait()
				if got := int(d.inside.Load()); got != tt.inside {
					t.Errorf("%d calls are under way, want %d", got, tt.inside)
				}
				if got, want := int(refused.Load()), tt.calls-tt.inside-tt.wait; got != want {
					t.Errorf("%d calls were refused, want %d", got, want)
				}
				close(d.let)
				synctest.Wait()
				if got, want := int(passed.Load()), tt.inside+tt.wait; got != want || int(d.most.Load()) > tt.inside {
					t.Errorf("%d calls passed, want %d; up to %d at once", got, want, d.most.Load())
				}
			})
		})
	}
}

func TestLimitWait(t *testing.T) {
	cause := errors.New("changed my mind")
	for _, tt := range []struct {
		what    string
		wait    time.Duration
		context func(context.Context) (context.Context, context.CancelFunc)
		after   time.Duration
		err     error
		timeout bool
		outcome transport.Outcome
	}{
		{"is a second if nothing is said", 0, nil, time.Second, transport.ErrLimited, false, transport.Neutral},
		{"is what is said", 7 * time.Second, nil, 7 * time.Second, transport.ErrLimited, false, transport.Neutral},
		{"ends when the call is canceled", -1, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Minute, cancel)
			return ctx, cancel
		}, time.Minute, context.Canceled, false, transport.Neutral},
		{"ends when the call is canceled, with its cause", -1, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Minute, func() { cancel(cause) })
			return ctx, func() { cancel(nil) }
		}, time.Minute, cause, false, transport.Neutral},
		{"ends with the deadline, which is not the service's failure", -1, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		}, time.Minute, context.DeadlineExceeded, true, transport.Neutral},
		{"ends with the deadline, with its cause", -1, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, time.Minute, cause)
		}, time.Minute, cause, false, transport.Neutral},
	} {
		t.Run(tt.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDoor()
				rt := transport.Limit{Concurrency: 1, Queue: 1, Wait: tt.wait}.Wrap(d)
				go post(t.Context(), t, rt, "http://a.test")
				synctest.Wait()

				for range 2 { // the second finds the queue as free as the first
					ctx, cancel := t.Context(), context.CancelFunc(func() {})
					if tt.context != nil {
						ctx, cancel = tt.context(ctx)
					}
					began := time.Now()
					err := post(ctx, t, rt, "http://a.test")
					if !errors.Is(err, tt.err) || limitedBy(err) == "queue" || time.Since(began) != tt.after {
						t.Errorf("it ended with %v after %v, want %v after %v", err, time.Since(began), tt.err, tt.after)
					}
					var timeout interface{ Timeout() bool }
					if got := errors.As(err, &timeout) && timeout.Timeout(); got != tt.timeout {
						t.Errorf("Timeout is %v, want %v", got, tt.timeout)
					}
					req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://a.test", nil)
					if v := transport.Classify(req, nil, err); v.Outcome != tt.outcome || v.Retryable {
						t.Errorf("its verdict is %+v", v)
					}
					cancel()
				}
				close(d.let)
				synctest.Wait()
				if err := post(t.Context(), t, rt, "http://a.test"); err != nil {
					t.Errorf("afterwards a call got %v", err)
				}
			})
		})
	}
}

func TestLimitWithinABreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		b := transport.Breaker{FailureThreshold: 1}
		rt := transport.Chain(d, b.Wrap, transport.Limit{Concurrency: 1, Queue: 1}.Wrap)
		go post(t.Context(), t, rt, "http://a.test")
		synctest.Wait()
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if err := post(ctx, t, rt, "http://a.test"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a call that could not wait got %v", err)
			}
			cancel()
			if err := post(t.Context(), t, rt, "http://a.test"); limitedBy(err) != "wait" {
				t.Errorf("a call that waited got %v", err)
			}
		}
		if c := b.States()[0]; c.State != transport.Closed || c.Failures != 0 {
			t.Errorf("the circuit is %+v", c)
		}
		close(d.let)
	})
}

func TestLimitErrorInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		rt := transport.Limit{Concurrency: 1, Queue: -1}.Wrap(d)
		go post(t.Context(), t, rt, "HTTP://A.test:80")
		synctest.Wait()
		err := post(t.Context(), t, rt, "http://a.test/path?secret=1")
		f, ok := errors.AsType[*transport.Failure](err)
		if !ok || f.Category != transport.RateLimit || f.Severity != transport.Medium || !f.Recoverable ||
			f.Message != "transport: limit reached: queue full" || f.Host != "a.test" || !errors.Is(f, transport.ErrLimited) {
			t.Errorf("as a Failure, %v is %+v", err, f)
		}
		close(d.let)
	})
}

func TestLimitRateOfXTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := transport.Limit{Rate: rate.NewLimiter(rate.Every(time.Second), 2)}.Wrap(rttest.Script(200))
		began := time.Now()
		for n := range 6 {
			url := []string{"http://a.test", "http://b.test"}[n%2] // one Rate is for all hosts
			if err := post(t.Context(), t, rt, url); err != nil {
				t.Fatal(err)
			}
			if got, want := time.Since(began), time.Duration(max(0, n-1))*time.Second; got.Round(time.Millisecond) != want {
				t.Errorf("call %d came after %v, want %v", n, got, want)
			}
		}

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began = time.Now()
		if err := post(ctx, t, rt, "http://a.test"); limitedBy(err) != "rate" || time.Since(began) != 0 {
			t.Errorf("a call whose turn comes after its deadline got %v after %v", err, time.Since(began))
		}

		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, stop)
		if err := post(ctx, t, rt, "http://a.test"); !errors.Is(err, context.Canceled) || time.Since(began) != 100*time.Millisecond {
			t.Errorf("a call that is canceled got %v after %v", err, time.Since(began))
		}
	})
	none := transport.Limit{Rate: rate.NewLimiter(1, 0)}.Wrap(rttest.Script(200))
	if err := post(t.Context(), t, none, "http://a.test"); limitedBy(err) != "rate" {
		t.Errorf("a rate that lets nothing pass says %v", err)
	}
}

type waiter func(context.Context) error

func (w waiter) Wait(ctx context.Context) error { return w(ctx) }

func TestLimitPanicOfTheRate(t *testing.T) {
	first := true
	rt := transport.Limit{Concurrency: 1, Queue: -1, Rate: waiter(func(context.Context) error {
		if first {
			first = false
			panic("rate")
		}
		return nil
	})}.Wrap(rttest.Script(200))
	func() {
		defer func() { _ = recover() }()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test", nil)
		rt.RoundTrip(req)
	}()
	if err := post(t.Context(), t, rt, "http://a.test"); err != nil {
		t.Errorf("afterwards a call got %v: the place is held for ever", err)
	}
}

func TestLimitOfNothing(t *testing.T) {
	base := rttest.Script(200)
	for _, l := range []transport.Limit{{}, {Concurrency: -1}, {Queue: -1, Wait: time.Hour}} {
		if rt := l.Wrap(base); rt != http.RoundTripper(base) {
			t.Errorf("%+v made a %T of it", l, rt)
		}
	}
}

// However calls end, there are never more than Concurrency of them, and in the
// end every place is free.
func TestLimitConcurrently(t *testing.T) {
	const places, workers, calls = 5, 20, 300
	var inside, passed, refused atomic.Int32
	rt := transport.Limit{Concurrency: places, Queue: 10, Wait: time.Minute}.Wrap(transport.Func(func(req *http.Request) (*http.Response, error) {
		if n := inside.Add(1); n > places {
			t.Errorf("%d calls are under way, want at most %d", n, places)
		}
		switch passed.Add(1) % 4 {
		case 0:
			inside.Add(-1)
			return nil, io.ErrUnexpectedEOF
		case 1:
			inside.Add(-1)
			panic("base")
		}
		return &http.Response{StatusCode: 200, Request: req, Body: new(rttest.Body)}, nil
	}))
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for n := range calls {
				func() {
					defer func() { _ = recover() }()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if (worker+n)%7 == 0 {
						go cancel()
					}
					req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://a.test", nil)
					resp, err := rt.RoundTrip(req)
					if errors.Is(err, transport.ErrLimited) {
						refused.Add(1)
					}
					if resp != nil {
						inside.Add(-1) // before Close, which gives the place back first of all
						resp.Body.Close()
					}
				}()
			}
		})
	}
	wg.Wait()
	for range places {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test", nil)
		func() {
			defer func() { _ = recover() }()
			if _, err := rt.RoundTrip(req); errors.Is(err, transport.ErrLimited) {
				t.Errorf("in the end a place is taken: %v", err)
			}
		}()
	}
	if passed.Load() == 0 {
		t.Error("no call passed")
	}
}
