package redisstore

import (
	"bytes"
	"context"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
)

// A near has copies of what is in Redis, for when Redis does not answer. While
// it does, they are never looked at: what another process has changed or
// invalidated is changed here too. A nil one has nothing.
type near struct{ copies *fallback.Memory }

func newNear(maxBytes int64) *near {
	if maxBytes == 0 {
		return nil
	}
	return &near{fallback.NewMemory(maxBytes)}
}

// get returns the copy, or nil.
func (n *near) get(name string) []byte {
	if n == nil {
		return nil
	}
	value, _ := n.copies.Get(context.Background(), name) // a Memory has no errors
	return value
}

func (n *near) set(name string, value []byte, ttl time.Duration) {
	if n != nil {
		_ = n.copies.Set(context.Background(), name, value, ttl)
	}
}

func (n *near) drop(name string) {
	if n != nil {
		_ = n.copies.Delete(context.Background(), name)
	}
}

// wants reports whether a copy is to be made of what Redis has, for which it
// has to say how long it lasts.
func (n *near) wants(name string) bool { return n != nil && n.get(name) == nil }

// saw is told what Redis has. A copy that is another one by now goes; the next
// reader makes a new one, with its time.
func (n *near) saw(name string, value []byte, ttl time.Duration) {
	switch {
	case n == nil:
	case ttl > 0:
		n.set(name, value, ttl)
	case !bytes.Equal(n.get(name), value):
		n.drop(name)
	}
}

func (n *near) close() {
	if n != nil {
		_ = n.copies.Close()
	}
}
