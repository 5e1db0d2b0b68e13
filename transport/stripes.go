package transport

import (
	"math/rand/v2"
	"sync/atomic"
)

// stripes is a counter that goroutines on several cores can add to without
// passing one cache line back and forth.
type stripes [8]struct {
	n atomic.Uint64
	_ [56]byte
}

func (s *stripes) add() { s[rand.Uint32()%uint32(len(s))].n.Add(1) }

func (s *stripes) sum() (n uint64) {
	for i := range s {
		n += s[i].n.Load()
	}
	return n
}
