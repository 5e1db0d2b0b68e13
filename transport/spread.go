package transport

import (
	"sync"
	"sync/atomic"
)

// A spread deals out the parts of something that was cut in parts so that
// cores do not wait for each other. A core gets the part that it had last: a
// [sync.Pool] is the one thing in Go that remembers by core. Two cores may
// have the same part, and a goroutine may change its core; nothing depends on
// it but speed. A pool takes memory for every core: things of which there are
// many share a spread.
type spread struct {
	lately sync.Pool // of int
	next   atomic.Uint32
}

// of returns which of n parts to use. The n of a spread is always the same; up
// to 256, nothing is allocated.
func (s *spread) of(n int) int {
	i, ok := s.lately.Get().(int)
	if !ok {
		i = int(s.next.Add(1) % uint32(n))
	}
	s.lately.Put(i) //lint:ignore SA6002 an int below 256 is not allocated
	return i
}
