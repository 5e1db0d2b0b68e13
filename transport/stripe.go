package transport

import (
	"sync"
	"sync/atomic"
	"time"
)

// A stripe is one part of [Stats].
type stripe struct {
	begun atomic.Uint64 // calls; those that are counted below have ended

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

// byKind returns the errors under their category and severity.
func (t *totals) byKind() map[string]uint64 {
	counts := make(map[string]uint64)
	for category := range t.errors {
		for severity, n := range t.errors[category] {
			if n > 0 {
				counts[Category(category).String()+"_"+Severity(severity).String()] = n
			}
		}
	}
	return counts
}

// A slot is a twelfth of the window.
type slot struct {
	number   int64 // from 1 since the Stats was made; a slot with an old number is empty
	outcomes [len(outcomes)]uint64
	longest  time.Duration
	took     histogram // of successes and failures
}

const statSlots = 12

// snapshot returns a slot that is the sum of all as a Window.
func (s *slot) snapshot(length time.Duration) Window {
	return Window{
		Length:  length,
		Total:   s.outcomes[Success] + s.outcomes[Failed],
		Failed:  s.outcomes[Failed],
		P50:     s.took.quantile(0.50),
		P95:     s.took.quantile(0.95),
		P99:     s.took.quantile(0.99),
		Longest: s.longest,
	}
}

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

// addTo adds what the stripe has to the totals, and its slots that are not too
// old by the number now to the window. It returns how many of the calls that
// began have not ended: none ends while the stripe is locked.
func (p *stripe) addTo(all *totals, window *slot, now int64) (inFlight uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	inFlight = p.begun.Load()
	for i, n := range p.all.outcomes {
		all.outcomes[i] += n
		inFlight -= n
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
	return inFlight
}
