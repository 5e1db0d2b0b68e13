package transport

import (
	"cmp"
	"time"
)

// rate is the counter of [Ratio] and [Slow]: the share of bad calls in a
// window of ten slots.
type rate struct {
	share    float64
	minCalls int
	slot     time.Duration // length
	limit    time.Duration // a call that takes longer is bad; 0 for none
	slots    [rateSlots]struct {
		number     int64 // since the epoch; a slot with an old number is empty
		calls, bad int
	}
}

const rateSlots = 10

func newRate(share float64, minCalls int, window, limit time.Duration) *rate {
	return &rate{
		share:    cmp.Or(share, 0.5),
		minCalls: cmp.Or(minCalls, 20),
		slot:     cmp.Or(window, 10*time.Second) / rateSlots,
		limit:    limit,
	}
}

func (r *rate) count(x result, _ int) bool {
	n := x.now.UnixNano() / int64(r.slot)
	s := &r.slots[n%rateSlots]
	if s.number != n {
		s.number, s.calls, s.bad = n, 0, 0
	}
	s.calls++
	bad := x.failed || r.slow(x.took)
	if !bad {
		return false
	}
	s.bad++
	calls, all := r.sums(x.now)
	return calls >= r.minCalls && float64(all) >= r.share*float64(calls)
}

func (r *rate) sums(now time.Time) (calls, bad int) {
	n := now.UnixNano() / int64(r.slot)
	for _, s := range r.slots {
		if s.number > n-rateSlots && s.number <= n {
			calls += s.calls
			bad += s.bad
		}
	}
	return calls, bad
}

func (r *rate) dirty() bool { return true }
func (r *rate) timed() bool { return r.limit > 0 }

func (r *rate) slow(took time.Duration) bool { return r.limit > 0 && took > r.limit }

func (r *rate) failures(now time.Time) int {
	_, bad := r.sums(now)
	return bad
}

func (r *rate) reset() { clear(r.slots[:]) }
