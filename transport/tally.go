package transport

import "sync/atomic"

// A tally is a counter that goroutines on several cores can add to without
// passing one cache line back and forth.
type tally [8]struct {
	n atomic.Uint64
	_ [56]byte
}

func (t *tally) add(s *spread) { t[s.of(len(t))].n.Add(1) }

func (t *tally) sum() (n uint64) {
	for i := range t {
		n += t[i].n.Load()
	}
	return n
}
