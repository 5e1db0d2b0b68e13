package transport

import (
	"cmp"
	"time"
)

// rate is the counter of [Ratio] and [Slow]: the share of bad calls in a
// sliding window.
type rate struct {
	share    float64
	minCalls int
	window   time.Duration
	limit    time.Duration // a call that takes longer is bad; 0 for none
	ring     ring          // marked are the bad ones
}

func newRate(share float64, minCalls int, window, limit time.Duration) *rate {
	return &rate{
		share:    cmp.Or(share, 0.5),
		minCalls: cmp.Or(minCalls, 20),
		window:   cmp.Or(window, 10*time.Second),
		limit:    limit,
	}
}

func (r *rate) count(x result, _ int) bool {
	if !x.failed && !r.slow(x.took) {
		r.ring.add(x.now, r.window, 1, 0)
		return false
	}
	r.ring.add(x.now, r.window, 1, 1)
	calls, bad := r.ring.sums(x.now, r.window)
	return calls >= r.minCalls && float64(bad) >= r.share*float64(calls)
}

func (r *rate) dirty() bool { return true }
func (r *rate) timed() bool { return r.limit > 0 }

func (r *rate) slow(took time.Duration) bool { return r.limit > 0 && took > r.limit }

func (r *rate) failures(now time.Time) int {
	_, bad := r.ring.sums(now, r.window)
	return bad
}

func (r *rate) reset() { r.ring = ring{} }
