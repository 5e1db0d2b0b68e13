package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-retryablehttp"
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
	})
}

func TestRetryDelays(t *testing.T) {
	for _, test := range []struct {
		name     string
		r        Retry
		attempt  int
		low, top time.Duration
	}{
		{"the first one is the base delay, down to half", Retry{}, 1, time.Second / 2, time.Second},
		{"each is twice the last", Retry{}, 4, 4 * time.Second, 8 * time.Second},
		{"up to 60 s", Retry{}, 7, 30 * time.Second, time.Minute},
		{"for ever", Retry{}, 1000, 30 * time.Second, time.Minute},
		{"MaxDelay is exact", Retry{BaseDelay: time.Second, MaxDelay: 3 * time.Second, Jitter: NoJitter}, 3, 3 * time.Second, 3 * time.Second},
		{"without jitter it is exact", Retry{Jitter: NoJitter}, 3, 4 * time.Second, 4 * time.Second},
		{"full jitter goes down to nothing", Retry{Jitter: FullJitter}, 1, 0, time.Second},
		{"a negative base is no delay", Retry{BaseDelay: -1}, 5, 0, 0},
		{"a base above the default bound lifts the bound", Retry{BaseDelay: 5 * time.Minute, Jitter: NoJitter}, 2, 5 * time.Minute, 5 * time.Minute},
	} {
		r := test.r.withDefaults()
		low, top := time.Duration(1<<62), time.Duration(0)
		for range 2000 {
			d, hinted := r.delay(test.attempt, nil, Hint{})
			if d < test.low || d > test.top || hinted {
				t.Fatalf("%s: %v (hinted %v), want from %v to %v", test.name, d, hinted, test.low, test.top)
			}
			low, top = min(low, d), max(top, d)
		}
		if spread := test.top - test.low; low > test.low+spread/10 || top < test.top-spread/10 {
			t.Errorf("%s: from %v to %v, which does not use the range from %v to %v", test.name, low, top, test.low, test.top)
		}
	}
}

func TestRetryHints(t *testing.T) {
	for _, test := range []struct {
		name     string
		r        Retry
		h        http.Header
		low, top time.Duration
	}{
		{"a hint is a floor", Retry{}, header("Retry-After", "7"), 7 * time.Second, 7 * time.Second},
		{"and no ceiling", Retry{}, header("Retry-After", "0"), time.Second / 2, time.Second},
		{"milliseconds count", Retry{}, header("Retry-After-Ms", "2500"), 2500 * time.Millisecond, 2500 * time.Millisecond},
		{"a day is not believed", Retry{}, header("Retry-After", "86400"), time.Minute, time.Minute},
		{"nor is what overflows", Retry{}, header("Retry-After", "9223372037"), time.Minute, time.Minute},
		{"nor is a date too far to count", Retry{}, header("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"), time.Minute, time.Minute},
		{"MaxHint says how much is", Retry{MaxHint: 5 * time.Second}, header("Retry-After", "86400"), 5 * time.Second, 5 * time.Second},
		{"negative MaxHint believes nothing", Retry{MaxHint: -1}, header("Retry-After", "7"), time.Second / 2, time.Second},
		{"a hint may exceed MaxDelay", Retry{MaxDelay: 2 * time.Second}, header("Retry-After", "7"), 7 * time.Second, 7 * time.Second},
		{"garbage is not said", Retry{}, header("Retry-After", "soon"), time.Second / 2, time.Second},
		{"negative is not said", Retry{}, header("Retry-After", "-9"), time.Second / 2, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := script(test.h, 200)
				if code, _, _ := send(t, test.r.Wrap(base), get(t, "http://a.test")); code != 200 {
					t.Fatalf("got %d after %d attempts", code, base.calls())
				}
				if got := base.waits()[0]; got < test.low || got > test.top {
					t.Errorf("waited %v, want from %v to %v", got, test.low, test.top)
				}
			})
		})
	}
}

func TestRetryWho(t *testing.T) {
	keyed := func(req *http.Request) { req.Header.Set("Idempotency-Key", "k") }
	xkeyed := func(req *http.Request) { req.Header.Set("X-Idempotency-Key", "k") }
	stainless := func(n string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set("X-Stainless-Retry-Count", n) }
	}
	once := func(req *http.Request) { *req = *req.WithContext(WithoutRetry(req.Context())) }
	cut := io.ErrUnexpectedEOF
	for _, test := range []struct {
		name   string
		r      Retry
		method string
		change func(*http.Request)
		step   any
		calls  int
		why    Reason
	}{
		{"a GET is sent again", Retry{}, "GET", nil, 503, 3, ReasonAttempts},
		{"a request whose method is empty is a GET", Retry{}, "", nil, 503, 3, ReasonAttempts},
		{"a HEAD is", Retry{}, "HEAD", nil, 503, 3, ReasonAttempts},
		{"an OPTIONS is", Retry{}, "OPTIONS", nil, 503, 3, ReasonAttempts},
		{"a TRACE is", Retry{}, "TRACE", nil, 503, 3, ReasonAttempts},
		{"a PUT is", Retry{}, "PUT", nil, 503, 3, ReasonAttempts},
		{"a DELETE is", Retry{}, "DELETE", nil, 503, 3, ReasonAttempts},
		{"a POST is not", Retry{}, "POST", nil, 503, 1, ReasonMethod},
		{"a PATCH is not", Retry{}, "PATCH", nil, 503, 1, ReasonMethod},
		{"a CONNECT is not", Retry{}, "CONNECT", nil, 503, 1, ReasonMethod},
		{"a method that nobody knows is not", Retry{}, "BREW", nil, 503, 1, ReasonMethod},
		{"nor is one in lower case, which is another method", Retry{}, "get", nil, 503, 1, ReasonMethod},
		{"a POST after a reset is not", Retry{}, "POST", nil, io.EOF, 1, ReasonMethod},
		{"a POST after a cut answer is not", Retry{}, "POST", nil, cut, 1, ReasonVerdict},
		{"a GET after a cut answer is", Retry{}, "GET", nil, cut, 3, ReasonAttempts},
		{"a PUT after a cut answer is not: it was answered", Retry{}, "PUT", nil, cut, 1, ReasonVerdict},

		{"a POST that was not sent is", Retry{}, "POST", nil, errRefused, 3, ReasonAttempts},
		{"a POST answered 425 is", Retry{}, "POST", nil, 425, 3, ReasonAttempts},
		{"a POST answered 429 is", Retry{}, "POST", nil, 429, 3, ReasonAttempts},
		{"a POST answered 421 is not", Retry{}, "POST", nil, 421, 1, ReasonMethod},
		{"a POST with an Idempotency-Key is", Retry{}, "POST", keyed, 503, 3, ReasonAttempts},
		{"a POST with an X-Idempotency-Key is", Retry{}, "POST", xkeyed, 503, 3, ReasonAttempts},
		{"a POST is, upon a status that the user allows", Retry{RetryUnsafeOn: []int{502, 503}}, "POST", nil, 503, 3, ReasonAttempts},
		{"be it one that is otherwise not worth it", Retry{RetryUnsafeOn: []int{409}}, "POST", nil, 409, 3, ReasonAttempts},
		{"but not upon others", Retry{RetryUnsafeOn: []int{503}}, "POST", nil, 500, 1, ReasonMethod},
		{"nor upon errors", Retry{RetryUnsafeOn: []int{503}}, "POST", nil, io.EOF, 1, ReasonMethod},
		{"a POST is, where the user says that any may be", Retry{RetryUnsafeMethods: true}, "POST", nil, io.EOF, 3, ReasonAttempts},
		{"a POST is, with a key that the kit makes", Retry{IdempotencyKey: RandomKey}, "POST", nil, 503, 3, ReasonAttempts},

		{"a 404 is not worth it", Retry{}, "GET", nil, 404, 1, ReasonVerdict},
		{"a 501 is not worth it", Retry{}, "GET", nil, 501, 1, ReasonVerdict},
		{"an unknown error is not worth it", Retry{}, "GET", nil, errBoom, 1, ReasonVerdict},
		{"an open circuit is not worth it", Retry{}, "GET", nil, &OpenError{}, 1, ReasonVerdict},
		{"the server may forbid it", Retry{}, "GET", nil, header("X-Should-Retry", "false"), 1, ReasonHint},
		{"the server may ask for it", Retry{}, "GET", nil, hinted(409, "true"), 3, ReasonAttempts},
		{"but not for a POST", Retry{}, "POST", nil, hinted(409, "true"), 1, ReasonMethod},
		{"and what went well is done", Retry{}, "GET", nil, hinted(200, "true"), 1, ""},

		{"MaxAttempts counts all of them", Retry{MaxAttempts: 5}, "GET", nil, 503, 5, ReasonAttempts},
		{"one attempt is no retry", Retry{MaxAttempts: 1}, "GET", nil, 503, 1, ReasonAttempts},
		{"negative is no retry", Retry{MaxAttempts: -1}, "GET", nil, 503, 1, ReasonAttempts},
		{"the caller may forbid it", Retry{}, "GET", once, 503, 1, ReasonOff},
		{"which is no reason where it is not worth it", Retry{}, "GET", once, 404, 1, ReasonVerdict},
		{"an SDK that sends again itself is left to it", Retry{}, "GET", stainless("1"), 503, 1, ReasonNested},
		{"its first attempt is not", Retry{}, "GET", stainless("0"), 503, 3, ReasonAttempts},
		{"nor is what is no number", Retry{}, "GET", stainless("x"), 503, 3, ReasonAttempts},

		{"a policy may want another attempt", Retry{Check: always}, "GET", nil, 404, 3, ReasonAttempts},
		{"even after what went well", Retry{Check: always}, "GET", nil, 200, 3, ReasonAttempts},
		{"but not for a POST", Retry{Check: always}, "POST", nil, 503, 1, ReasonMethod},
		{"a policy may want none", Retry{Check: never}, "GET", nil, 503, 1, ReasonVerdict},
		{"which is fine after what went well", Retry{Check: never}, "GET", nil, 200, 1, ""},
		{"a policy's error does not end it", Retry{Check: retryablehttp.ErrorPropagatedRetryPolicy}, "GET", nil, 503, 3, ReasonAttempts},
		{"what the policy says does, and the response stands", Retry{Check: failing}, "GET", nil, 503, 1, ReasonVerdict},
		{"a policy does not override the server", Retry{Check: always}, "GET", nil, hinted(503, "false"), 1, ReasonHint},
		{"go-retryablehttp's policy fits", Retry{Check: DefaultCheck}, "GET", nil, 429, 3, ReasonAttempts},
		{"go-retryablehttp's policy does not resend a 501", Retry{Check: DefaultCheck}, "GET", nil, 501, 1, ReasonVerdict},
		{"go-retryablehttp's policy resends what it does not know", Retry{Check: DefaultCheck}, "GET", nil, errBoom, 3, ReasonAttempts},
		{"go-retryablehttp's policy does not wait for an open circuit", Retry{Check: DefaultCheck}, "GET", nil, &OpenError{}, 1, ReasonVerdict},
		{"another classifier may find fault with what is OK", Retry{Classifier: func(*http.Request, *http.Response, error) Verdict { return Verdict{Outcome: Failed, Retryable: true} }}, "GET", nil, 200, 3, ReasonAttempts},
		{"another classifier decides", Retry{Classifier: func(*http.Request, *http.Response, error) Verdict { return passing(Data, Maybe) }}, "GET", nil, 404, 3, ReasonAttempts},
	} {
		t.Run(test.name, func(t *testing.T) {
			base := script(test.step)
			req, trip := withTrip(newRequest(t, test.method, "http://a.test", nil))
			req.Method = test.method
			if test.change != nil {
				test.change(req)
			}
			send(t, atOnce(test.r).Wrap(base), req)
			if base.calls() != test.calls {
				t.Errorf("%d attempts, want %d", base.calls(), test.calls)
			}
			if got := trip.GaveUp(); got != test.why {
				t.Errorf("gave up because of %q, want %q", got, test.why)
			}
			if base.left() != 0 {
				t.Errorf("%d bodies were left open", base.left())
			}
		})
	}
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

func TestRetryNested(t *testing.T) {
	for _, test := range []struct {
		name string
		step any
	}{
		{"responses", 503},
		{"errors", errRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			base := script(test.step)
			kit := func(rt http.RoundTripper) http.RoundTripper {
				// Wrapped as other layers would wrap it.
				rt = atOnce(Retry{}).Wrap(rt)
				return Func(func(req *http.Request) (*http.Response, error) {
					resp, err := rt.RoundTrip(req.Clone(req.Context()))
					if err != nil {
						err = fmt.Errorf("mine: %w", err)
					}
					return resp, err
				})
			}
			req, trip := withTrip(get(t, "http://a.test"))
			send(t, kit(kit(kit(base))), req)
			if base.calls() != 3 {
				t.Errorf("%d attempts, want 3", base.calls())
			}
			if trip.GaveUp() != ReasonNested {
				t.Errorf("the outer one gave up because of %q, want nested", trip.GaveUp())
			}
		})
	}
}

func TestRetryNestedInAnAttempt(t *testing.T) {
	// An outer Retry of another kind, which the inner one cannot see but for
	// the context, has the last word.
	base := script(503)
	inner := atOnce(Retry{}).Wrap(base)
	first := true
	outer := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
		if first {
			first = false
			return answer(req, 503, ""), nil
		}
		return inner.RoundTrip(req)
	}))
	send(t, outer, get(t, "http://a.test"))
	if base.calls() != 2 {
		t.Errorf("%d attempts came through the inner one, want one for each of the outer", base.calls())
	}
}

func TestRetryMarkIsNotWritten(t *testing.T) {
	resp, err := atOnce(Retry{}).Wrap(script(503)).RoundTrip(get(t, "http://a.test"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var wire bytes.Buffer
	resp.Header.Write(&wire)
	if strings.Contains(strings.ToLower(wire.String()), "safetrip") {
		t.Errorf("a proxy would write %q", wire.String())
	}
}

func TestRetryAttemptNumbers(t *testing.T) {
	var seen []int
	rt := atOnce(Retry{MaxAttempts: 4}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
		seen = append(seen, AttemptOf(req.Context()))
		return answer(req, 503, ""), nil
	}))
	send(t, rt, get(t, "http://a.test"))
	if !slices.Equal(seen, []int{1, 2, 3, 4}) {
		t.Errorf("the attempts saw the numbers %v", seen)
	}
}

func TestRetryContextOfAResentRequest(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "mine"))
	base := script(503, Func(func(req *http.Request) (*http.Response, error) {
		if req.Context().Value(key{}) != "mine" {
			t.Error("the caller's value is not in the context of the second attempt")
		}
		cancel()
		<-req.Context().Done()
		return nil, req.Context().Err()
	}))
	if _, _, err := send(t, atOnce(Retry{}).Wrap(base), get(t, "http://a.test").WithContext(ctx)); err != context.Canceled {
		t.Errorf("got %v, want the context's own error", err)
	}
}

// getBody gives req a GetBody whose copies are counted.
func getBody(req *http.Request, text string) *[]*countedBody {
	copies := new([]*countedBody)
	req.ContentLength = int64(len(text))
	req.GetBody = func() (io.ReadCloser, error) {
		b := body(text)
		*copies = append(*copies, b)
		return b, nil
	}
	return copies
}

func TestRetryBodies(t *testing.T) {
	large := strings.Repeat("x", 100<<10)
	for _, test := range []struct {
		name   string
		r      Retry
		text   string
		length int64 // -1 if unknown
		replay bool  // with GetBody
		calls  int
		why    Reason
	}{
		{"a body with GetBody is sent again", Retry{}, "data", 4, true, 3, ReasonAttempts},
		{"however large it is", Retry{}, large, int64(len(large)), true, 3, ReasonAttempts},
		{"a small body without GetBody is kept", Retry{}, "data", 4, false, 3, ReasonAttempts},
		{"one of unknown length is, if it turns out to be small", Retry{}, "data", -1, false, 3, ReasonAttempts},
		{"and is not, if it turns out to be large", Retry{}, large, -1, false, 1, ReasonBody},
		{"a large one is sent once", Retry{}, large, int64(len(large)), false, 1, ReasonBody},
		{"the bound is exact", Retry{MaxBodyBuffer: 4}, "data", 4, false, 3, ReasonAttempts},
		{"the bound is exact for unknown lengths", Retry{MaxBodyBuffer: 4}, "data", -1, false, 3, ReasonAttempts},
		{"one byte more is too many", Retry{MaxBodyBuffer: 4}, "data!", 5, false, 1, ReasonBody},
		{"one byte more than the bound of unknown length is too many", Retry{MaxBodyBuffer: 4}, "data!", -1, false, 1, ReasonBody},
		{"negative keeps nothing", Retry{MaxBodyBuffer: -1}, "data", 4, false, 1, ReasonBody},
		{"a default keeps 64 KiB", Retry{}, large[:64<<10], -1, false, 3, ReasonAttempts},
	} {
		t.Run(test.name, func(t *testing.T) {
			base, sent := script(503), body(test.text)
			req, trip := withTrip(newRequest(t, http.MethodPut, "http://a.test", sent))
			req.ContentLength = test.length
			var copies *[]*countedBody
			if test.replay {
				copies = getBody(req, test.text)
			}
			send(t, atOnce(test.r).Wrap(base), req)
			if base.calls() != test.calls || trip.GaveUp() != test.why {
				t.Errorf("%d attempts, gave up because of %q; want %d, %q", base.calls(), trip.GaveUp(), test.calls, test.why)
			}
			for i, got := range base.bodies {
				if got != test.text {
					t.Errorf("attempt %d carried %d bytes, want %d", i+1, len(got), len(test.text))
				}
				if base.sent[i].ContentLength != test.length {
					t.Errorf("attempt %d said %d bytes, want %d", i+1, base.sent[i].ContentLength, test.length)
				}
			}
			sent.closedOnce(t, "the caller's body")
			if copies != nil && len(*copies) != test.calls-1 {
				t.Errorf("%d copies were asked for, want %d", len(*copies), test.calls-1)
			}
			if copies != nil {
				for _, c := range *copies {
					c.closedOnce(t, "a copy from GetBody")
				}
			}
		})
	}
}

// unread is a base that closes a request's body without reading it, as a
// transport does whose dial failed.
func unread(err error) Func {
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
}

func TestRetryOfABodyThatNobodyRead(t *testing.T) {
	t.Run("it goes out with a later attempt", func(t *testing.T) {
		sent, got, calls := body("data"), "", 0
		rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			if calls++; calls < 3 {
				return unread(errRefused)(req)
			}
			if sent.closes.Load() != 0 {
				t.Error("the caller's body was closed while it was needed still")
			}
			read, _ := io.ReadAll(req.Body)
			req.Body.Close()
			if _, err := req.Body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
				t.Errorf("a body that was closed is read: %v", err)
			}
			got = string(read)
			return answer(req, 200, ""), nil
		}))
		code, _, err := send(t, rt, newRequest(t, http.MethodPost, "http://a.test", sent))
		if code != 200 || err != nil || got != "data" || calls != 3 {
			t.Errorf("got %d, %v after %d attempts; the last one carried %q", code, err, calls, got)
		}
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("it is closed when no attempt is left", func(t *testing.T) {
		sent := body("data")
		send(t, atOnce(Retry{}).Wrap(unread(errRefused)), newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("it is closed when the caller cancels the wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sent := body("data")
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			send(t, Retry{}.Wrap(unread(errRefused)), newRequest(t, http.MethodPost, "http://a.test", sent).WithContext(ctx))
			sent.closedOnce(t, "the caller's body")
		})
	})
	t.Run("it is closed when the budget is used up", func(t *testing.T) {
		sent := body("data")
		send(t, atOnce(Retry{Budget: &Budget{Ratio: 0.0001, Floor: -1}}).Wrap(unread(errRefused)), newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("it is closed when the base panics after it closed it", func(t *testing.T) {
		sent := body("data")
		mustPanic(t, func() {
			atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
				defer req.Body.Close()
				panic("base")
			})).RoundTrip(newRequest(t, http.MethodPost, "http://a.test", sent))
		})
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("the transport may read it although it closed it, as it does when it goes to another connection", func(t *testing.T) {
		sent := body("data")
		send(t, atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			req.Body.Close()
			if read, err := io.ReadAll(req.Body); string(read) != "data" || err != nil {
				t.Errorf("read %q, %v", read, err)
			}
			req.Body.Close()
			return answer(req, 200, ""), nil
		})), newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("it is closed when the call ends if the transport reads it late and does not close it again", func(t *testing.T) {
		sent := body("data")
		send(t, atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			req.Body.Close()
			req.Body.Read(make([]byte, 1))
			return nil, errRefused
		})), newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("an attempt that failed reads nothing of the next one's", func(t *testing.T) {
		sent, calls := body("data"), 0
		var late io.Reader
		rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			if calls++; calls == 1 {
				late = req.Body
				return unread(errRefused)(req)
			}
			if n, err := late.Read(make([]byte, 4)); n != 0 || err != http.ErrBodyReadAfterClose {
				t.Errorf("it read %d bytes, %v", n, err)
			}
			read, _ := io.ReadAll(req.Body)
			if req.Body.Close(); string(read) != "data" {
				t.Errorf("the next attempt read %q", read)
			}
			return answer(req, 200, ""), nil
		}))
		send(t, rt, newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("the late Close of an attempt that failed does not cut the next one", func(t *testing.T) {
		sent, calls := body("data"), 0
		var late io.Closer
		rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			if calls++; calls == 1 {
				late = req.Body
				return unread(errRefused)(req)
			}
			first := make([]byte, 1)
			io.ReadFull(req.Body, first)
			late.Close()
			rest, err := io.ReadAll(req.Body)
			if got := string(first) + string(rest); got != "data" || err != nil || sent.closes.Load() != 0 {
				t.Errorf("read %q, %v; closed %d times", got, err, sent.closes.Load())
			}
			req.Body.Close()
			return answer(req, 200, ""), nil
		}))
		send(t, rt, newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
}

func TestRetryOfABodyThatWasReadInPart(t *testing.T) {
	// The answer came before the body was sent: what is left cannot be sent
	// again, and the answer stands.
	sent := body("some data")
	req, trip := withTrip(newRequest(t, http.MethodPut, "http://a.test", sent))
	rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
		io.ReadFull(req.Body, make([]byte, 4))
		req.Body.Close()
		return answer(req, 503, "busy"), nil
	}))
	code, text, err := send(t, rt, req)
	if code != 503 || text != "busy" || err != nil || trip.GaveUp() != ReasonBody {
		t.Errorf("got %d %q, %v, gave up because of %q", code, text, err, trip.GaveUp())
	}
	sent.closedOnce(t, "the caller's body")
}

func TestRetryOfABodyThatCannotBeRead(t *testing.T) {
	req, trip := withTrip(newRequest(t, http.MethodPut, "http://a.test", io.MultiReader(strings.NewReader("da"), brokenReader{})))
	rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
		_, err := io.ReadAll(req.Body)
		req.Body.Close()
		if err != errBoom {
			t.Errorf("the base read %v, want the body's own error", err)
		}
		return nil, io.EOF
	}))
	if _, _, err := send(t, rt, req); err != io.EOF || trip.GaveUp() != ReasonBody {
		t.Errorf("got %v, gave up because of %q", err, trip.GaveUp())
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBoom }

func TestRetryWhenGetBodyFails(t *testing.T) {
	req, trip := withTrip(newRequest(t, http.MethodPut, "http://a.test", body("data")))
	req.GetBody = func() (io.ReadCloser, error) { return nil, errBoom }
	code, text, err := send(t, atOnce(Retry{}).Wrap(script(503)), req)
	if code != 503 || text == "" || err != nil || trip.GaveUp() != ReasonBody {
		t.Errorf("got %d %q, %v, gave up because of %q; want the response, readable", code, text, err, trip.GaveUp())
	}
}

func TestRetryLeavesBodiesAloneThatItNeedNotKeep(t *testing.T) {
	large := struct{ io.ReadCloser }{body("x")}
	for _, test := range []struct {
		name string
		r    Retry
		body io.ReadCloser
		size int64
		with func(*http.Request)
	}{
		{"NoBody", Retry{}, http.NoBody, 0, nil},
		{"none", Retry{}, nil, 0, nil},
		{"one with GetBody", Retry{}, large, 1, func(r *http.Request) { getBody(r, "x") }},
		{"a large one", Retry{}, large, 1 << 20, nil},
		{"one that is sent once", Retry{MaxAttempts: 1}, large, 1, nil},
		{"one that the caller wants to be sent once", Retry{}, large, 1, func(r *http.Request) { *r = *r.WithContext(WithoutRetry(r.Context())) }},
	} {
		req := newRequest(t, http.MethodPut, "http://a.test", nil)
		req.Body, req.ContentLength = test.body, test.size
		if test.with != nil {
			test.with(req)
		}
		var seen *http.Request
		test.r.Wrap(Func(func(r *http.Request) (*http.Response, error) {
			seen = r
			return answer(r, 200, ""), nil
		})).RoundTrip(req)
		if seen != req {
			t.Errorf("%s: the request was copied", test.name)
		}
	}
}

func TestRetryOfAFileWithAnOffset(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("skipped|sent")
	f.Seek(8, io.SeekStart)
	base := script(503, 200)
	req := newRequest(t, http.MethodPut, "http://a.test", f)
	send(t, atOnce(Retry{}).Wrap(base), req)
	if !slices.Equal(base.bodies, []string{"sent", "sent"}) {
		t.Errorf("the attempts carried %q, want what follows the offset", base.bodies)
	}
}

func TestRetryStreamsUploads(t *testing.T) {
	// A server answers each line before the next one is written.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			w.Write(buf[:n])
			http.NewResponseController(w).Flush()
			if err != nil {
				return
			}
		}
	}))
	defer server.Close()
	tr, _ := pool(t)
	pr, pw := io.Pipe()
	go io.WriteString(pw, "one")
	resp, err := Retry{}.Wrap(tr).RoundTrip(newRequest(t, http.MethodPut, server.URL, pr))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 3)
	for _, word := range []string{"one", "two", "six"} {
		if word != "one" {
			io.WriteString(pw, word)
		}
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != word {
			t.Fatalf("read %q, %v; want %q", buf, err, word)
		}
	}
	pw.Close()
	io.Copy(io.Discard, resp.Body)
}

func TestRetryIdempotencyKey(t *testing.T) {
	var made atomic.Int32
	generate := func() string { made.Add(1); return RandomKey() }
	for _, test := range []struct {
		name   string
		method string
		own    string
		given  string // by WithIdempotencyKey
		want   string // "new": a generated one
	}{
		{"a POST gets one", "POST", "", "", "new"},
		{"a GET needs none", "GET", "", "", ""},
		{"a caller's own stays", "POST", "mine", "given", "mine"},
		{"one in the context is used", "POST", "", "given", "given"},
		{"even for a GET", "GET", "", "given", "given"},
	} {
		t.Run(test.name, func(t *testing.T) {
			made.Store(0)
			base := script(503)
			req := newRequest(t, test.method, "http://a.test", io.MultiReader(strings.NewReader("data")))
			if test.own != "" {
				req.Header.Set("Idempotency-Key", test.own)
			}
			if test.given != "" {
				req = req.WithContext(WithIdempotencyKey(req.Context(), test.given))
			}
			send(t, atOnce(Retry{IdempotencyKey: generate}).Wrap(base), req)
			if got := req.Header.Get("Idempotency-Key"); got != test.own {
				t.Errorf("the caller's header has %q", got)
			}
			want := test.want
			if want == "new" {
				want = base.sent[0].Header.Get("Idempotency-Key")
				if want == "" || made.Load() != 1 {
					t.Errorf("%d keys were made, the first attempt has %q", made.Load(), want)
				}
			}
			if base.calls() != 3 {
				t.Errorf("%d attempts, want 3", base.calls())
			}
			if !slices.Equal(base.bodies, []string{"data", "data", "data"}) {
				t.Errorf("the attempts carried %q", base.bodies)
			}
			for i, sent := range base.sent {
				if got := sent.Header.Get("Idempotency-Key"); got != want {
					t.Errorf("attempt %d has the key %q, want %q", i+1, got, want)
				}
			}
		})
	}
	if a, b := RandomKey(), RandomKey(); a == b || len(a) < 26 {
		t.Errorf("RandomKey returned %q and %q", a, b)
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

func TestRetryBackoff(t *testing.T) {
	for _, test := range []struct {
		name  string
		r     Retry
		steps []any
		want  []time.Duration
	}{
		{"the library's own", Retry{Backoff: DefaultBackoff}, []any{503, 503, 200}, []time.Duration{time.Second, 2 * time.Second}},
		{"it follows Retry-After", Retry{Backoff: DefaultBackoff}, []any{header("Retry-After", "9"), 200}, []time.Duration{9 * time.Second}},
		{"what it returns is held to MaxDelay", Retry{Backoff: backoff(time.Hour), MaxDelay: 5 * time.Second}, []any{503, 200}, []time.Duration{5 * time.Second}},
		{"and to nothing", Retry{Backoff: backoff(-time.Hour)}, []any{503, 200}, []time.Duration{0}},
		{"a hint is a floor under it", Retry{Backoff: backoff(time.Second)}, []any{header("Retry-After", "4"), 200}, []time.Duration{4 * time.Second}},
		{"an overflow is not believed", Retry{Backoff: DefaultBackoff}, []any{header("Retry-After", "9223372037"), 200}, []time.Duration{time.Minute}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := script(test.steps...)
				send(t, test.r.Wrap(base), get(t, "http://a.test"))
				if got := base.waits(); !slices.Equal(got, test.want) {
					t.Errorf("waited %v, want %v", got, test.want)
				}
			})
		})
	}
}

func backoff(d time.Duration) retryablehttp.Backoff {
	return func(time.Duration, time.Duration, int, *http.Response) time.Duration { return d }
}

func TestRetryBackoffCountsFromZero(t *testing.T) {
	var attempts []int
	var bounds [2]time.Duration
	r := Retry{BaseDelay: time.Microsecond, MaxDelay: time.Millisecond, Backoff: func(low, top time.Duration, attempt int, _ *http.Response) time.Duration {
		attempts, bounds = append(attempts, attempt), [2]time.Duration{low, top}
		return 0
	}}
	send(t, r.Wrap(script(503)), get(t, "http://a.test"))
	if !slices.Equal(attempts, []int{0, 1}) || bounds != [2]time.Duration{time.Microsecond, time.Millisecond} {
		t.Errorf("it was asked about attempts %v with the bounds %v", attempts, bounds)
	}
}

func TestRetryReusesConnections(t *testing.T) {
	for _, test := range []struct {
		name  string
		body  func(w http.ResponseWriter, r *http.Request)
		dials int32
	}{
		{"no body", func(http.ResponseWriter, *http.Request) {}, 1},
		{"1 KiB", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 1<<10)) }, 1},
		{"64 KiB, chunked", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 64<<10)) }, 1},
		{"1 MiB is not worth it", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1048576")
			io.WriteString(w, strings.Repeat("x", 1<<20))
		}, 3},
		{"a body that never ends", func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			noGoroutineLeft(t)
			var n atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1)%3 != 0 {
					w.WriteHeader(503)
					test.body(w, r)
				}
			}))
			defer server.Close()
			tr, dials := pool(t)
			defer tr.CloseIdleConnections()
			began := time.Now()
			if code, _, err := send(t, atOnce(Retry{}).Wrap(tr), get(t, server.URL)); code != 200 || err != nil {
				t.Errorf("got %d, %v", code, err)
			}
			if dials.Load() != test.dials {
				t.Errorf("%d dials, want %d", dials.Load(), test.dials)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestRetryDoesNotStarveASmallPool(t *testing.T) {
	// Bodies of discarded responses that stay open hold their connections:
	// with two of them, nobody gets a third.
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%2 == 1 {
			w.WriteHeader(503)
		}
		io.WriteString(w, "text")
	}))
	defer server.Close()
	tr, dials := pool(t)
	tr.MaxConnsPerHost = 2
	rt := atOnce(Retry{MaxAttempts: 50, Budget: &Budget{Ratio: -1}}).Wrap(tr)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if code, text, err := send(t, rt, get(t, server.URL)); code != 200 || text != "text" || err != nil {
				t.Errorf("got %d %q, %v", code, text, err)
			}
		})
	}
	wg.Wait()
	if dials.Load() > 2 {
		t.Errorf("%d dials for a pool of two", dials.Load())
	}
}

func TestRetryLeavesRedirectsAndCookiesToTheClient(t *testing.T) {
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		switch {
		case len(paths)%2 == 1:
			w.WriteHeader(503)
		case r.URL.Path == "/":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
			http.Redirect(w, r, "/there", http.StatusFound)
		default:
			c, err := r.Cookie("session")
			fmt.Fprint(w, c, err)
		}
	}))
	defer server.Close()
	tr, _ := pool(t)
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Transport: atOnce(Retry{}).Wrap(tr), Jar: jar}
	resp, err := client.Do(get(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); string(text) != "session=1 <nil>" || !slices.Equal(paths, []string{"/", "/", "/there", "/there"}) {
		t.Errorf("got %q by way of %v", text, paths)
	}
}

func TestRetryOfARequestWithoutHeader(t *testing.T) {
	req := get(t, "http://a.test").WithContext(WithIdempotencyKey(t.Context(), "key"))
	req.Header = nil
	if _, _, err := send(t, Retry{}.Wrap(new(http.Transport)), req); err == nil || req.Header != nil {
		t.Errorf("got %v, want net/http's own refusal", err)
	}
}

func TestRetryLogsItsFourMoments(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []any
		verb  string
		want  []string
	}{
		{"it goes well at once", []any{200}, "GET", nil},
		{"it goes well later", []any{503, 200}, "GET", []string{
			`level=INFO msg=retrying operation="GET a.test" attempt=1 severity=high category=system delay=0s`,
			`level=INFO msg="succeeded after retry" operation="GET a.test" attempt=2 severity=low category=ok`,
		}},
		{"it does not", []any{503}, "GET", []string{
			`level=INFO msg=retrying operation="GET a.test" attempt=1 severity=high category=system delay=0s`,
			`level=INFO msg=retrying operation="GET a.test" attempt=2 severity=high category=system delay=0s`,
			`level=ERROR msg="gave up" operation="GET a.test" attempt=3 severity=high category=system reason=attempts`,
		}},
		{"it may not be sent again", []any{503}, "POST", []string{
			`level=WARN msg="not retried" operation="POST a.test" attempt=1 severity=high category=system reason=method`,
		}},
		{"it is nobody's failure", []any{404}, "GET", nil},
		{"the caller went away", []any{context.Canceled}, "GET", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			logger, lines := logTo()
			send(t, atOnce(Retry{Logger: logger}).Wrap(script(test.steps...)), newRequest(t, test.verb, "http://a.test/?key=secret", nil))
			if got := lines(); !slices.Equal(got, test.want) {
				t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestRetryLogsThatACheckFailed(t *testing.T) {
	logger, lines := logTo()
	send(t, atOnce(Retry{Logger: logger, Check: failing}).Wrap(script(503)), get(t, "http://a.test"))
	if got := strings.Join(lines(), "\n"); !strings.Contains(got, `msg="retry check failed"`) || strings.Contains(got, "boom") {
		t.Errorf("logged %s", got)
	}
}

// logTo returns a logger, and what it wrote, by lines, without the time.
func logTo() (*slog.Logger, func() []string) {
	var buf syncBuffer
	logger := slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	return logger, func() []string {
		if s := strings.TrimSpace(buf.String()); s != "" {
			return strings.Split(s, "\n")
		}
		return nil
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
	if got := testing.AllocsPerRun(200, func() { rt.RoundTrip(req) }); got > 2 {
		t.Errorf("503, 503, 200: %v allocations, want at most 2", got)
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
