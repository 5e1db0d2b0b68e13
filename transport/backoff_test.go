package transport

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

func TestJitterIsText(t *testing.T) {
	for kind, text := range map[Jitter]string{HalfJitter: "half", FullJitter: "full", NoJitter: "none"} {
		if got, err := kind.MarshalText(); err != nil || string(got) != text {
			t.Errorf("%d is %q, error %v; want %q", kind, got, err, text)
		}
		var j Jitter
		if err := j.UnmarshalText([]byte(text)); err != nil || j != kind {
			t.Errorf("%q is %d, error %v; want %d", text, j, err, kind)
		}
	}
	j := FullJitter
	if err := j.UnmarshalText([]byte("some")); err == nil || j != FullJitter {
		t.Errorf("an unknown kind is %d, error %v", j, err)
	}
	if _, err := Jitter(3).MarshalText(); err == nil {
		t.Error("a kind that there is not has a text")
	}
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
