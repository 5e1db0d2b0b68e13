package fallback

import (
	"context"
	"strings"
	"sync"
	"time"
	"unsafe"

	gocache "github.com/patrickmn/go-cache"
)

// Memory is a [Store] in this process's memory, bounded in bytes. What was
// longest unused leaves first to make room.
//
// It keeps its items in a go-cache, which has neither a bound nor an order:
// Memory keeps both beside it, in step by go-cache's hook for evictions. An
// overwrite does not run that hook, so an item is deleted before it is
// replaced. No goroutine sweeps: what has expired leaves when it is asked for,
// when its place is needed, or by Sweep.
type Memory struct {
	max int64

	mu      sync.Mutex // guards the rest
	items   *gocache.Cache
	ends    *held // the ring of all items: next is the newest, prev the oldest
	count   int
	bytes   int64
	evicted uint64
	closed  bool
}

// held is an item in its place in the order.
type held struct {
	key        string
	value      any
	bytes      int64
	next, prev *held
}

// overhead is what an item takes beside its key and value: its place in the
// order, and go-cache's map entry at the fill that maps have on average. A
// test measures it.
const overhead = int64(unsafe.Sizeof(held{})) + int64(unsafe.Sizeof(gocache.Item{})+unsafe.Sizeof(""))*8/5

// NewMemory returns a Memory that holds at most maxBytes, keys, headers and
// its own bookkeeping included. If maxBytes is zero, it is 64 MiB; if it is
// negative, nothing is held.
func NewMemory(maxBytes int64) *Memory {
	if maxBytes == 0 {
		maxBytes = defaultMaxBytes
	}
	m := &Memory{max: max(0, maxBytes), items: gocache.New(gocache.NoExpiration, 0), ends: new(held)}
	m.ends.next, m.ends.prev = m.ends, m.ends
	m.items.OnEvicted(m.left)
	return m
}

// Get returns what was stored under key, or nil. The result must not be
// changed.
func (m *Memory) Get(_ context.Context, key string) ([]byte, error) {
	b, _ := m.load(key).([]byte)
	return b, nil
}

// Set stores a value that must not be changed any more. It is gone after ttl;
// a ttl of zero or less stores nothing. A value that is larger than all there
// is room for is not stored either.
func (m *Memory) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl <= 0 {
		return m.Delete(ctx, key)
	}
	m.save(key, value, int64(cap(value)), ttl)
	return nil
}

// Delete forgets key.
func (m *Memory) Delete(_ context.Context, key string) error {
	m.forget(key)
	return nil
}

func (m *Memory) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items.Delete(key)
}

func (m *Memory) load(key string) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.items.Get(key)
	if !ok {
		m.items.Delete(strings.Clone(key)) // it may have expired; a key that is there need not leave the stack
		return nil
	}
	h := v.(*held) //nolint:errcheck // there is nothing else
	if m.ends.next != h {
		h.unlink()
		m.link(h)
	}
	return h.value
}

func (m *Memory) save(key string, value any, size int64, ttl time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.items.Delete(key)
	h := &held{key: key, value: value, bytes: overhead + int64(len(key)) + size}
	if h.bytes > m.max {
		return
	}
	for m.bytes+h.bytes > m.max {
		m.items.Delete(m.ends.prev.key)
		m.evicted++
	}
	m.items.Set(key, h, ttl) // of -1 for ever
	m.link(h)
	m.count++
	m.bytes += h.bytes
}

// left is told of each item that leaves. It runs under m.mu, as every call of
// m.items does.
func (m *Memory) left(_ string, v any) {
	h := v.(*held) //nolint:errcheck // there is nothing else
	h.unlink()
	m.count--
	m.bytes -= h.bytes
}

func (m *Memory) link(h *held) {
	h.next, h.prev = m.ends.next, m.ends
	h.next.prev, h.prev.next = h, h
}

func (h *held) unlink() { h.next.prev, h.prev.next = h.prev, h.next }

// Sweep removes what has expired. [Cache.Run] calls it once a minute.
func (m *Memory) Sweep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items.DeleteExpired()
}

// Close forgets everything. Nothing is stored any more.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.items.Flush()
	m.ends.next, m.ends.prev = m.ends, m.ends
	m.count, m.bytes = 0, 0
	return nil
}

// Len returns the number of items.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// Bytes returns how many bytes are held, as counted.
func (m *Memory) Bytes() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes
}

// Max returns the bound.
func (m *Memory) Max() int64 { return m.max }

// Evicted returns how many items left to make room.
func (m *Memory) Evicted() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.evicted
}
