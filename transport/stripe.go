package transport

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// A stripe is one part of [Stats].
type stripe struct {
	inFlight atomic.Int64

	mu    sync.Mutex // guards the rest
	all   totals
	slots [statSlots]slot

	_ [64]byte // keeps neighbours apart
}

type totals struct {
	outcomes [len(outcomes)]uint64
	errors   [len(categories)][len(severities)]uint64
	took     time.Duration
	last     time.Duration // since the Stats was made
}

// A slot is a twelfth of the window.
type slot struct {
	number   int64 // from 1 since the Stats was made; a slot with an old number is empty
	outcomes [len(outcomes)]uint64
	longest  time.Duration
	took     histogram // of successes and failures
}

const statSlots = 12

// slotOf returns the number of the slot that a time falls into.
func slotOf(t, length time.Duration) int64 { return int64(t/length) + 1 }

func (p *stripe) count(now, took, length time.Duration, v *Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all.outcomes[v.Outcome]++
	p.all.took += took
	p.all.last = now
	if v.Category != OK {
		p.all.errors[v.Category][v.Severity]++
	}
	if v.Outcome == Neutral {
		return
	}
	n := slotOf(now, length)
	s := &p.slots[n%statSlots]
	if s.number != n {
		*s = slot{number: n}
	}
	s.outcomes[v.Outcome]++
	s.longest = max(s.longest, took)
	s.took.add(took)
}

func (p *stripe) addTo(all *totals, window *slot, now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, n := range p.all.outcomes {
		all.outcomes[i] += n
	}
	for c := range p.all.errors {
		for s, n := range p.all.errors[c] {
			all.errors[c][s] += n
		}
	}
	all.took += p.all.took
	all.last = max(all.last, p.all.last)
	for i := range p.slots {
		s := &p.slots[i]
		if s.number <= now-statSlots || s.number > now {
			continue
		}
		for i, n := range s.outcomes {
			window.outcomes[i] += n
		}
		window.longest = max(window.longest, s.longest)
		for i, n := range s.took {
			window.took[i] += n
		}
	}
}

// A histogram counts durations in eight buckets an octave, from 8 µs to more
// than two minutes: a quantile read from it is off by 6 % at most.
type histogram [(maxOctave - minOctave) * 8]uint32

const minOctave, maxOctave = 13, 38 // powers of two of a nanosecond

func (h *histogram) add(d time.Duration) { h[bucketOf(d)]++ }

func bucketOf(d time.Duration) int {
	octave := bits.Len64(uint64(max(d, 1))) - 1
	switch {
	case octave < minOctave:
		return 0
	case octave >= maxOctave:
		return len(histogram{}) - 1
	}
	eighth := int(d>>(octave-3)) & 7
	return (octave-minOctave)*8 + eighth
}

// middle returns the duration in the middle of a bucket.
func middle(bucket int) time.Duration {
	low := math.Ldexp(8+float64(bucket%8), minOctave+bucket/8-3)
	high := math.Ldexp(9+float64(bucket%8), minOctave+bucket/8-3)
	return time.Duration((low + high) / 2)
}

// quantile returns the duration that a share q of those counted do not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	var n uint64
	for _, c := range h {
		n += uint64(c)
	}
	if n == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(n)))
	for i, c := range h {
		if rank <= uint64(c) {
			return middle(i)
		}
		rank -= uint64(c)
	}
	return middle(len(h) - 1)
}
