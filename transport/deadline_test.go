package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadlineBoundsAllAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := script(503, 503, 503, Func(never503))
		began := time.Now()
		req, trip := withTrip(get(t, "http://a.test"))
		code, _, err := send(t, Chain(base, Deadline{Total: 5 * time.Second}.Wrap, Retry{MaxAttempts: 9, Jitter: NoJitter}.Wrap), req)
		// After 1 s and 2 s of waiting, 4 s more would not fit.
		if took := time.Since(began); code != 503 || err != nil || took != 3*time.Second || base.calls() != 3 || trip.GaveUp() != ReasonDeadline {
			t.Errorf("got %d, %v after %v and %d attempts, gave up because of %q", code, err, took, base.calls(), trip.GaveUp())
		}
	})
}

func TestDeadlineEndsWithTheHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resp, err := Deadline{Total: 10 * time.Second}.Wrap(slowly(9 * time.Second)).RoundTrip(get(t, "http://a.test"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for range 10 {
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				t.Fatalf("a stream was cut: %v", err)
			}
		}
	})
}

func TestDeadlineOfTheBodyToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		resp, err := Deadline{Total: 150 * time.Second, Body: true}.Wrap(slowly(0)).RoundTrip(get(t, "http://a.test"))
		if err != nil {
			t.Fatal(err)
		}
		read, err := io.ReadAll(resp.Body)
		if e, ok := errors.AsType[*TimeoutError](err); !ok || e.What != "call" || len(read) != 2 || time.Since(began) != 150*time.Second {
			t.Errorf("read %q, %v after %v", read, err, time.Since(began))
		}
		resp.Body.Close()
	})
}

func TestDeadlineTheEarlierOneCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			name         string
			outer, inner time.Duration
		}{
			{"the outer", time.Second, time.Minute},
			{"the inner", time.Minute, time.Second},
		} {
			var seen time.Time
			rt := Chain(Func(func(req *http.Request) (*http.Response, error) {
				seen = deadlineOf(req.Context())
				return answer(req, 200, ""), nil
			}), Deadline{Total: test.outer}.Wrap, Deadline{Total: test.inner}.Wrap)
			send(t, rt, get(t, "http://a.test"))
			if got := time.Until(seen); got != time.Second {
				t.Errorf("%s: %v are left, want 1 s", test.name, got)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := time.Until(deadlineOf(ctx)); got != time.Second {
			t.Errorf("by the context alone %v are left", got)
		}
		if !deadlineOf(context.Background()).IsZero() {
			t.Error("there is a deadline where there is none")
		}
	})
}

func TestDeadlineIsNotToldToTheTransport(t *testing.T) {
	// A context that tells its deadline would end there, and the body with it.
	send(t, Deadline{Total: time.Hour}.Wrap(Func(func(req *http.Request) (*http.Response, error) {
		if _, ok := req.Context().Deadline(); ok {
			t.Error("the context has a deadline")
		}
		return answer(req, 200, ""), nil
	})), get(t, "http://a.test"))
}
