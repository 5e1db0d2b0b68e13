package transport

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// Jitter is how a delay is made uneven, so that clients that failed together
// do not come back together.
type Jitter uint8

// The kinds of jitter.
const (
	HalfJitter Jitter = iota // between half the delay and all of it
	FullJitter               // between nothing and all of it
	NoJitter                 // the delay as it is
)

// MarshalText returns "half", "full" or "none".
func (j Jitter) MarshalText() ([]byte, error) {
	if j > NoJitter {
		return nil, fmt.Errorf("transport: there is no Jitter %d", j)
	}
	return []byte(jitters[j]), nil
}

// UnmarshalText reads what MarshalText returns.
func (j *Jitter) UnmarshalText(text []byte) error {
	i := slices.Index(jitters, string(text))
	if i < 0 {
		return fmt.Errorf("transport: there is no jitter %q; there are half, full and none", text)
	}
	*j = Jitter(i)
	return nil
}

// jitters has the names of the kinds of jitter, in their order.
var jitters = []string{"half", "full", "none"}

func (j Jitter) apply(d time.Duration) time.Duration {
	switch {
	case d <= 0 || j == NoJitter:
		return d
	case j == FullJitter:
		return rand.N(d + 1)
	}
	return d - rand.N(d/2+1)
}

// exponential returns base × 2^(attempt-1), at most limit.
func exponential(base, limit time.Duration, attempt int) time.Duration {
	for ; attempt > 1; attempt-- {
		if base > limit/2 {
			return limit
		}
		base *= 2
	}
	return min(base, limit)
}

// delay returns how long to wait after the given attempt, and whether it was
// the server that made it as long as it is. What the server asked for is a
// floor under the delay, up to MaxHint.
func (r *Retry) delay(attempt int, resp *http.Response, hint Hint) (d time.Duration, hinted bool) {
	if r.Backoff != nil {
		d = min(max(0, r.Backoff(r.BaseDelay, r.MaxDelay, attempt-1, resp)), r.MaxDelay)
	} else {
		d = r.Jitter.apply(exponential(r.BaseDelay, r.MaxDelay, attempt))
	}
	if floor := min(hint.After, r.MaxHint); floor > d {
		return floor, true
	}
	return d, false
}
