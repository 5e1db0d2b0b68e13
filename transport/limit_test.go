package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// refusedBy returns what a limiter says of a call, "" if it passed.
func refusedBy(t *testing.T, rt http.RoundTripper) string {
	t.Helper()
	_, _, err := send(t, rt, get(t, "http://a.test"))
	if e, ok := errors.AsType[*LimitError](err); ok {
		return e.What
	}
	return ""
}

func TestLimitConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := newPatient()
		rt := Limit{Concurrency: 2, Queue: 1, Wait: 10 * time.Second}.Wrap(base)
		one, two := base.begin(t, rt), base.begin(t, rt)
		began := time.Now()
		if got := refusedBy(t, rt); got != "wait" || time.Since(began) != 10*time.Second {
			t.Errorf("a third call is refused because of %q after %v; want its wait, after 10 s", got, time.Since(began))
		}
		waiting := make(chan string)
		go func() { waiting <- refusedBy(t, rt) }()
		synctest.Wait()
		if got := refusedBy(t, rt); got != "queue" {
			t.Errorf("with one in the queue another is refused because of %q, want the queue", got)
		}
		one(200)
		code := <-base.calls
		code <- 200
		if got := <-waiting; got != "" {
			t.Errorf("the one in the queue is refused because of %q", got)
		}
		two(503)
		// All places are free again.
		three, four := base.begin(t, rt), base.begin(t, rt)
		three(200)
		four(200)
	})
}

func TestLimitHoldsAPlaceUntilTheBodyEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*http.Response)
	}{
		{"read", func(r *http.Response) { io.ReadAll(r.Body) }},
		{"closed", func(r *http.Response) { r.Body.Close() }},
	} {
		rt := Limit{Concurrency: 1, Queue: -1}.Wrap(script(200))
		resp, err := rt.RoundTrip(get(t, "http://a.test"))
		if err != nil {
			t.Fatal(err)
		}
		if got := refusedBy(t, rt); got != "queue" {
			t.Errorf("%s: while the body is open another is refused because of %q", test.name, got)
		}
		test.end(resp)
		if got := refusedBy(t, rt); got != "" {
			t.Errorf("%s: then another is refused because of %q", test.name, got)
		}
		resp.Body.Close()
	}
}

func TestLimitFreesAPlace(t *testing.T) {
	for _, test := range []struct {
		name string
		base Func
	}{
		{"on an error", func(*http.Request) (*http.Response, error) { return nil, io.EOF }},
		{"on a panic", func(*http.Request) (*http.Response, error) { panic("base") }},
		{"on a response with a nil body", func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 204}, nil }},
		{"on nothing at all", func(*http.Request) (*http.Response, error) { return nil, nil }},
	} {
		rt := Limit{Concurrency: 1, Queue: -1}.Wrap(test.base)
		for range 3 {
			func() {
				defer func() { recover() }()
				_, err := rt.RoundTrip(get(t, "http://a.test"))
				if errors.Is(err, ErrLimited) {
					t.Errorf("%s: the place is held for ever", test.name)
				}
			}()
		}
	}
}

func TestLimitRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := newPatient()
		rt := Limit{Concurrency: 1, Queue: -1}.Wrap(base)
		end := base.begin(t, rt)
		sent := body("data")
		req := newRequest(t, http.MethodPost, "http://a.test", sent)
		_, _, err := send(t, rt, req)
		sent.closedOnce(t, "the body of a request that was refused")
		if !errors.Is(err, ErrLimited) || err.Error() != "transport: limit reached: http://a.test: queue full" {
			t.Errorf("got %v", err)
		}
		if got := Classify(req, nil, err); got != (Verdict{Outcome: Neutral, Category: RateLimit, Severity: Medium, Recoverable: true, Sent: Unsent}) {
			t.Errorf("its verdict is %+v", got)
		}
		other := get(t, "http://b.test")
		done := make(chan struct{})
		go func() { send(t, rt, other); close(done) }()
		(<-base.calls) <- 200 // another host has places of its own
		<-done
		end(200)
	})
}

func TestLimitErrorSaysWhatWasReached(t *testing.T) {
	for what, want := range map[string]string{
		"queue": "transport: limit reached: http://a.test: queue full",
		"wait":  "transport: limit reached: http://a.test: no place in time",
		"rate":  "transport: limit reached: http://a.test: no turn in time",
	} {
		if got := (&LimitError{Key: "http://a.test", What: what}).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLimitWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := newPatient()
		rt := Limit{Concurrency: 1, Wait: -1}.Wrap(base)
		end := base.begin(t, rt)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Hour, func() { cancel(errBoom) })
		if _, _, err := send(t, rt, get(t, "http://a.test").WithContext(ctx)); err != errBoom {
			t.Errorf("got %v, want the context's cause", err)
		}
		end(200)
	})
}

// slots is a rate of one call in each interval, which knows that a wait will
// not do.
type slots struct {
	interval time.Duration
	next     time.Time
}

func (s *slots) Wait(ctx context.Context) error {
	d := time.Until(s.next)
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return errBoom
	}
	select {
	case <-time.After(d):
		s.next = time.Now().Add(s.interval)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestLimitRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := script(200)
		rt := Limit{Rate: &slots{interval: time.Second}, Concurrency: 1, Queue: -1}.Wrap(base)
		for range 3 {
			send(t, rt, get(t, "http://a.test"))
		}
		for _, wait := range base.waits() {
			if wait != time.Second {
				t.Errorf("the calls are %v apart, want 1 s", base.waits())
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, _, err := send(t, rt, get(t, "http://a.test").WithContext(ctx))
		if e, ok := errors.AsType[*LimitError](err); !ok || e.What != "rate" {
			t.Errorf("a call whose turn comes too late got %v", err)
		}
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Millisecond, func() { stop(errBoom) })
		if _, _, err := send(t, rt, get(t, "http://a.test").WithContext(ctx)); err != errBoom {
			t.Errorf("a call that is canceled got %v", err)
		}
		if got := refusedBy(t, rt); got != "" {
			t.Errorf("refusals of the rate hold places: %q", got)
		}
	})
}

func TestLimitForgetsTheLongestIdle(t *testing.T) {
	base := newPatient()
	rt := Limit{Concurrency: 1, Queue: -1}.Wrap(base)
	end := base.begin(t, rt)
	if got := refusedBy(t, rt); got != "queue" {
		t.Errorf("beside the one under way a call got %q, want a refusal", got)
	}
	rooms := &rt.(*limit).rooms
	for i := range 10_001 {
		k := hostKey{host: strconv.Itoa(i)}
		rooms.GetOrAdd(k, func() (hostKey, *room) { return k, newRoom(k.host, 1) })
	}
	base.begin(t, rt)(200) // the one that is under way does not count any more
	end(200)
	base.begin(t, rt)(200)
	if n := rooms.Len(); n > 10_000 {
		t.Errorf("%d keys are kept", n)
	}
}

func TestLimitOfARateAloneLeavesBodiesAlone(t *testing.T) {
	body := io.NopCloser(strings.NewReader("data"))
	base := Func(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 200, Body: body}, nil })
	resp, err := Limit{Rate: new(slots)}.Wrap(base).RoundTrip(get(t, "http://a.test"))
	if err != nil || resp.Body != body {
		t.Errorf("the body is a %T, error %v", resp.Body, err)
	}
}

func TestLimitValidate(t *testing.T) {
	if err := (Limit{Queue: 1}).Validate(); err == nil {
		t.Error("a queue for nothing is valid")
	}
	mustPanic(t, func() { Limit{Queue: 1}.Wrap(nil) })
	if err := (Limit{Concurrency: 1, Queue: 5}).Validate(); err != nil {
		t.Error(err)
	}
}
