package transport

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

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

// A Failure of an inner layer that has not sent anything again is worth a try.
func TestAFailureWithoutRetriesIsNotNested(t *testing.T) {
	base := script(FailureOf(get(t, "http://a.test"), nil, errRefused), 200)
	if code, _, err := send(t, atOnce(Retry{}).Wrap(base), get(t, "http://a.test")); code != 200 {
		t.Errorf("got %d, %v after %d attempts, want 200 after two", code, err, base.calls())
	}
}

func TestRetryMarkIsNotWritten(t *testing.T) {
	resp, err := atOnce(Retry{}).Wrap(script(503)).RoundTrip(get(t, "http://a.test"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header[retriesMark]; !slices.Equal(got, []string{"2"}) {
		t.Errorf("the mark says %q, want 2 retries", got)
	}
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

// Programs print contexts. Those of package context show no more than their
// kinds, and nothing that may be changing.
func TestRetryContextPrinted(t *testing.T) {
	base := script(503, Func(func(req *http.Request) (*http.Response, error) {
		for _, printed := range []string{fmt.Sprint(req.Context()), fmt.Sprintf("%+v", context.WithoutCancel(req.Context()))} {
			if strings.Contains(printed, "secret") {
				t.Errorf("the context of the second attempt prints as %s", printed)
			}
		}
		return answer(req, 200, ""), nil
	}))
	req := get(t, "http://a.test/?key=secret")
	req.Header.Set("Authorization", "secret")
	send(t, atOnce(Retry{}).Wrap(base), req.WithContext(WithIdempotencyKey(req.Context(), "secret")))
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
