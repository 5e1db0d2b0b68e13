package transport

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-retryablehttp"
)

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
