package transport

import "time"

// A ring counts calls, and those of them that are marked, over a sliding window
// of ten slots. What a mark means is its owner's affair: a failure, a retry.
type ring struct {
	slots [ringSlots]struct {
		number        int64 // since the epoch; a slot with an old number is empty
		calls, marked int
	}
}

const ringSlots = 10

func slotNumber(now time.Time, window time.Duration) int64 {
	return now.UnixNano() / int64(window/ringSlots)
}

func (r *ring) add(now time.Time, window time.Duration, calls, marked int) {
	n := slotNumber(now, window)
	s := &r.slots[n%ringSlots]
	if s.number != n {
		s.number, s.calls, s.marked = n, 0, 0
	}
	s.calls += calls
	s.marked += marked
}

// sums returns the counts of the window that ends now.
func (r *ring) sums(now time.Time, window time.Duration) (calls, marked int) {
	n := slotNumber(now, window)
	for _, s := range r.slots {
		if s.number > n-ringSlots && s.number <= n {
			calls += s.calls
			marked += s.marked
		}
	}
	return calls, marked
}
