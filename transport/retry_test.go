package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// atOnce is a Retry without waits.
func atOnce(r Retry) Retry {
	r.BaseDelay = -1
	return r
}

var errRefused error = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

func TestRetryByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := script(503)
		req, trip := withTrip(get(t, "http://a.test"))
		code, text, err := send(t, Retry{}.Wrap(base), req)
		if code != 503 || text != "Service Unavailable" || err != nil {
			t.Errorf("got %d %q, %v; want the last response, readable", code, text, err)
		}
		if base.calls() != 3 {
			t.Errorf("%d attempts, want 3", base.calls())
		}
		for i, wait := range base.waits() {
			limit := time.Second << i
			if wait < limit/2 || wait > limit {
				t.Errorf("wait %d is %v, want between %v and %v", i+1, wait, limit/2, limit)
			}
		}
		if base.left() != 0 {
			t.Errorf("%d bodies were left open", base.left())
		}
		if trip.GaveUp() != ReasonAttempts {
			t.Errorf("gave up because of %q, want attempts", trip.GaveUp())
		}
		attempts := trip.Attempts()
		if len(attempts) != 3 || attempts[2].Status != 503 || attempts[2].Wait != base.waits()[1] || attempts[0].Verdict.Category != System {
			t.Errorf("the trip has %+v", attempts)
		}
		if a := attempts[2]; !a.Start.Equal(time.Now()) || a.Duration != 0 {
			t.Errorf("the last attempt began at %v and took %v; want now, and no time", a.Start, a.Duration)
		}
	})
}

func always(context.Context, *http.Response, error) (bool, error)  { return true, nil }
func never(context.Context, *http.Response, error) (bool, error)   { return false, nil }
func failing(context.Context, *http.Response, error) (bool, error) { return false, errBoom }

// hinted returns a step that answers with a status and x-should-retry.
func hinted(code int, want string) Func {
	return func(req *http.Request) (*http.Response, error) {
		resp := answer(req, code, "")
		resp.Header.Set("X-Should-Retry", want)
		return resp, nil
	}
}

func TestRetryUntilItGoesWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := script(503, io.EOF, 200)
		req, trip := withTrip(get(t, "http://a.test"))
		code, text, err := send(t, Retry{}.Wrap(base), req)
		if code != 200 || text != "OK" || err != nil {
			t.Errorf("got %d %q, %v", code, text, err)
		}
		if got := trip.GaveUp(); got != "" {
			t.Errorf("gave up because of %q", got)
		}
		if got := trip.Attempts(); len(got) != 3 || got[1].Err != io.EOF || got[1].Status != 0 {
			t.Errorf("the trip has %+v", got)
		}
	})
}

func TestRetryGivesUpBeforeAWaitThatDoesNotFit(t *testing.T) {
	for _, test := range []struct {
		name string
		wrap Middleware
		ctx  time.Duration
		step any
		why  Reason
	}{
		{"the delay does not fit the context", nil, 400 * time.Millisecond, 503, ReasonDeadline},
		{"the delay after an error does not", nil, 400 * time.Millisecond, errRefused, ReasonDeadline},
		{"what the server asks for does not", nil, 5 * time.Second, header("Retry-After", "5"), ReasonHint},
		{"the delay does not fit Deadline", Deadline{Total: 400 * time.Millisecond}.Wrap, 0, 503, ReasonDeadline},
		{"what the server asks for does not fit Deadline", Deadline{Total: 5 * time.Second}.Wrap, time.Minute, header("Retry-After", "6"), ReasonHint},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := script(test.step)
				req, trip := withTrip(get(t, "http://a.test"))
				if test.ctx > 0 {
					ctx, cancel := context.WithTimeout(req.Context(), test.ctx)
					defer cancel()
					req = req.WithContext(ctx)
				}
				began := time.Now()
				resp, err := Chain(base, test.wrap, Retry{}.Wrap).RoundTrip(req)
				if took := time.Since(began); took != 0 {
					t.Errorf("it slept for %v", took)
				}
				if base.calls() != 1 || trip.GaveUp() != test.why {
					t.Errorf("%d attempts, gave up because of %q; want 1, %q", base.calls(), trip.GaveUp(), test.why)
				}
				if _, fails := test.step.(error); fails != (err != nil) {
					t.Errorf("got %v, %v", resp, err)
				}
				if resp != nil {
					resp.Body.Close()
				}
			})
		})
	}
}

func TestRetryEndsAWaitWithItsContext(t *testing.T) {
	for _, test := range []struct {
		name string
		ctx  func(context.Context) (context.Context, func())
		want error
	}{
		{"a cancel", func(ctx context.Context) (context.Context, func()) { return context.WithCancel(ctx) }, context.Canceled},
		{"a cancel with a cause", func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(ctx)
			return ctx, func() { cancel(errBoom) }
		}, errBoom},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := test.ctx(t.Context())
				time.AfterFunc(100*time.Millisecond, cancel)
				ctx, trip := NewTrip(ctx)
				base, sent := script(503), body("data")
				req := newRequest(t, http.MethodPut, "http://a.test", sent)
				copies := getBody(req, "data")
				began := time.Now()
				_, err := Retry{}.Wrap(base).RoundTrip(req.WithContext(ctx))
				if !errors.Is(err, test.want) || err != context.Cause(ctx) {
					t.Errorf("got %v, want the context's cause, %v", err, test.want)
				}
				if took := time.Since(began); took != 100*time.Millisecond {
					t.Errorf("it took %v to notice", took)
				}
				if trip.GaveUp() != ReasonCanceled || base.calls() != 1 || base.left() != 0 {
					t.Errorf("gave up because of %q after %d attempts, %d bodies open", trip.GaveUp(), base.calls(), base.left())
				}
				sent.closedOnce(t, "the caller's body")
				for _, c := range *copies {
					c.closedOnce(t, "a copy from GetBody")
				}
			})
		})
	}
}

func TestRetryOfAnAttemptThatDeadlineCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := script(Func(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, context.Cause(req.Context())
		}))
		req, trip := withTrip(get(t, "http://a.test"))
		_, _, err := send(t, Chain(base, Deadline{Total: time.Second}.Wrap, Retry{}.Wrap), req)
		if e, ok := errors.AsType[*TimeoutError](err); !ok || e.What != "call" {
			t.Errorf("got %v, want Deadline's own error", err)
		}
		if trip.GaveUp() != ReasonDeadline || base.calls() != 1 {
			t.Errorf("gave up because of %q after %d attempts, want deadline after 1", trip.GaveUp(), base.calls())
		}
	})
}

func TestRetryLeavesADeadContextToTheTransport(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	base := script(context.Canceled)
	if _, _, err := send(t, Retry{}.Wrap(base), get(t, "http://a.test").WithContext(ctx)); err != context.Canceled || base.calls() != 1 {
		t.Errorf("got %v after %d attempts", err, base.calls())
	}
}

func TestRetryOfErrors(t *testing.T) {
	_, err := atOnce(Retry{MaxAttempts: 1}).Wrap(script(errRefused)).RoundTrip(get(t, "http://a.test"))
	if err != errRefused {
		t.Errorf("the error of a single attempt is %v, want it as it is", err)
	}
	_, err = atOnce(Retry{}).Wrap(script(errRefused)).RoundTrip(get(t, "http://a.test"))
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Retries != 2 || f.GaveUp != ReasonAttempts || f.Category != Network || f.Host != "a.test" || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the error of three attempts is %#v", err)
	}
	// It is the last one's, and its verdict is kept.
	_, err = atOnce(Retry{}).Wrap(script(503, errRefused, io.EOF)).RoundTrip(get(t, "http://a.test"))
	if !errors.Is(err, io.EOF) || Classify(nil, nil, err) != maybePassing {
		t.Errorf("got %v, want the last attempt's error", err)
	}
}

func TestRetryAnswersToTheCallersRequest(t *testing.T) {
	for _, steps := range [][]any{{200}, {503, 200}, {503}} {
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			req := newRequest(t, method, "http://a.test", struct{ io.Reader }{strings.NewReader("data")})
			before := *req
			resp, err := atOnce(Retry{IdempotencyKey: RandomKey}).Wrap(script(steps...)).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.Request != req {
				t.Errorf("%s %v: resp.Request is not the caller's", method, steps)
			}
			if req.Body != before.Body || req.Context() != before.Context() || len(req.Header) != 0 {
				t.Errorf("%s %v: the caller's request was changed", method, steps)
			}
		}
	}
}

func TestRetryCheckSeesWhatTheLibrarysWould(t *testing.T) {
	type args struct {
		ctx  context.Context
		resp *http.Response
		err  error
	}
	var seen []args
	check := func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		seen = append(seen, args{ctx, resp, err})
		return len(seen) < 2, nil
	}
	req := get(t, "http://a.test")
	send(t, atOnce(Retry{Check: check}).Wrap(script(io.EOF, 200)), req)
	if len(seen) != 2 || seen[0].ctx != req.Context() || seen[0].err != io.EOF || seen[1].resp.StatusCode != 200 {
		t.Errorf("it saw %+v", seen)
	}
}

func TestRetryOfARequestWithoutHeader(t *testing.T) {
	req := get(t, "http://a.test").WithContext(WithIdempotencyKey(t.Context(), "key"))
	req.Header = nil
	if _, _, err := send(t, Retry{}.Wrap(new(http.Transport)), req); err == nil || req.Header != nil {
		t.Errorf("got %v, want net/http's own refusal", err)
	}
}

func TestRetryValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		r    Retry
		want string
	}{
		{"the zero value is valid", Retry{}, ""},
		{"negative is off", Retry{MaxAttempts: -1, BaseDelay: -1, MaxHint: -1, MaxBodyBuffer: -1}, ""},
		{"MaxDelay", Retry{MaxDelay: -1}, "Retry.MaxDelay"},
		{"BaseDelay above MaxDelay", Retry{BaseDelay: 2, MaxDelay: 1}, "Retry.BaseDelay"},
		{"BaseDelay may be as long as MaxDelay", Retry{BaseDelay: 2, MaxDelay: 2}, ""},
		{"the first status and the last", Retry{RetryUnsafeOn: []int{400, 599}}, ""},
		{"one before the first", Retry{RetryUnsafeOn: []int{399}}, "Retry.RetryUnsafeOn has 399"},
		{"one after the last", Retry{RetryUnsafeOn: []int{600}}, "Retry.RetryUnsafeOn has 600"},
		{"Jitter", Retry{Jitter: 9}, "Retry.Jitter"},
		{"statuses", Retry{RetryUnsafeOn: []int{503, 200}}, "Retry.RetryUnsafeOn has 200"},
		{"the budget's fields", Retry{Budget: &Budget{Ratio: 2}}, "Budget.Ratio"},
	} {
		err := test.r.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if err != nil {
			if got := mustPanic(t, func() { test.r.Wrap(nil) }); fmt.Sprint(got) != err.Error() {
				t.Errorf("%s: Wrap panics with %v, want %v", test.name, got, err)
			}
		}
	}
	all := Retry{MaxDelay: -1, Jitter: 9}.Validate().Error()
	if !strings.Contains(all, "MaxDelay") || !strings.Contains(all, "Jitter") {
		t.Errorf("two faults are told as %q", all)
	}
}

func TestRetryIsFrozen(t *testing.T) {
	codes := []int{503}
	base := script(503)
	rt := atOnce(Retry{RetryUnsafeOn: codes}).Wrap(base)
	codes[0] = 500
	send(t, rt, newRequest(t, http.MethodPost, "http://a.test", nil))
	if base.calls() != 3 {
		t.Errorf("%d attempts: the caller's slice is read still", base.calls())
	}
}

func TestRetryAllocates(t *testing.T) {
	reply := func(code int) *http.Response {
		return &http.Response{StatusCode: code, Body: http.NoBody, Header: http.Header{}}
	}
	ok, busy := reply(200), reply(503)
	n := 0
	rt := Retry{BaseDelay: -1, Budget: &Budget{Ratio: -1}}.Wrap(Func(func(*http.Request) (*http.Response, error) {
		if n++; n%3 != 0 {
			return busy, nil
		}
		return ok, nil
	}))
	req := get(t, "http://a.test")
	if got := testing.AllocsPerRun(200, func() { rt.RoundTrip(req) }); got > 1 {
		t.Errorf("503, 503, 200: %v allocations, want at most 1", got)
	}
	rt = Retry{}.Wrap(Func(func(*http.Request) (*http.Response, error) { return ok, nil }))
	if got := testing.AllocsPerRun(200, func() { rt.RoundTrip(req) }); got != 0 {
		t.Errorf("200: %v allocations, want none", got)
	}
	var b Breaker
	rt = Retry{}.Wrap(b.Wrap(rt))
	rt.RoundTrip(req)
	b.Hold("http://a.test")
	if got := testing.AllocsPerRun(200, func() { rt.RoundTrip(req) }); got != 0 {
		t.Errorf("a circuit's refusal: %v allocations, want none", got)
	}
}
