// Package table is a bounded map for things that are keyed from outside:
// circuits by host, failures by operation. Reading takes no lock.
package table

import (
	"hash/maphash"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

const shardCount = 64 // a power of two

// A Table maps at most Max keys to values of one pointer each. The zero value
// is an empty table with the bound [DefaultMax]. It must not be copied, and
// its fields must not change after first use.
//
// Each shard is a map that is never written: a writer replaces it by a copy.
// That makes a lookup cost a hash, a load and a map access, whatever the
// other goroutines do, and an insertion cost a copy of one shard, which for
// ten thousand keys are about 160 entries. The maps go by the keys' hashes,
// which are half as large as keys; should two keys ever have the same one of
// 64 bits, the later displaces the earlier.
type Table[K comparable, V any] struct {
	// Max bounds the number of keys. If zero, it is DefaultMax.
	Max int

	once   sync.Once
	seed   maphash.Seed
	shards [shardCount]atomic.Pointer[map[uint64]*entry[K, V]]
	last   atomic.Pointer[entry[K, V]] // one that was found lately: programs with one key need no map
	size   atomic.Int64
	age    atomic.Uint64 // counts insertions; an entry's age is the table's when it was last used

	mu sync.Mutex // held by writers
}

// DefaultMax is how many keys a Table holds when nothing else is said.
const DefaultMax = 10_000

type entry[K comparable, V any] struct {
	key   K
	value *V
	age   atomic.Uint64 // gone once it has left the table
}

const gone = math.MaxUint64

func (t *Table[K, V]) init() {
	t.once.Do(func() {
		t.seed = maphash.MakeSeed()
		if t.Max <= 0 {
			t.Max = DefaultMax
		}
	})
}

func (t *Table[K, V]) hash(k K) uint64 { return maphash.Comparable(t.seed, k) }

func (t *Table[K, V]) shard(hash uint64) *atomic.Pointer[map[uint64]*entry[K, V]] {
	return &t.shards[hash%shardCount]
}

// Len returns the number of keys. An empty table answers every Get with one
// atomic load.
func (t *Table[K, V]) Len() int { return int(t.size.Load()) }

// Get returns the value of k, or nil.
func (t *Table[K, V]) Get(k K) *V {
	if t.size.Load() == 0 {
		return nil
	}
	if e := t.last.Load(); e != nil && e.key == k && e.touch(t.age.Load()) {
		return e.value
	}
	h := t.hash(k)
	m := t.shard(h).Load()
	if m == nil {
		return nil
	}
	e := (*m)[h]
	if e == nil || e.key != k || !e.touch(t.age.Load()) {
		return nil
	}
	// Seldom enough that programs with many keys do not pass the line to and
	// fro.
	if rand.Uint32()%64 == 0 {
		t.last.Store(e)
	}
	return e.value
}

// touch notes that e is in use, and reports whether it is in the table. It
// writes only what would change: entries in use share no cache line that every
// call dirties. Now may be a little late; nothing gets older by it.
func (e *entry[K, V]) touch(now uint64) bool {
	for {
		switch age := e.age.Load(); {
		case age == gone:
			return false
		case age >= now || e.age.CompareAndSwap(age, now):
			return true
		}
	}
}

// GetOrAdd returns the value of k, which is made by add if there is none.
// When the table is full, the sixteenth of it that was longest unused leaves
// first. Add runs while the table is locked for writing and may be given a
// key to keep that differs from k in memory only: see [strings.Clone].
func (t *Table[K, V]) GetOrAdd(k K, add func() (K, *V)) *V {
	if v := t.Get(k); v != nil {
		return v
	}
	t.init()
	t.mu.Lock()
	defer t.mu.Unlock()
	if v := t.Get(k); v != nil {
		return v
	}
	for int(t.size.Load()) >= t.Max {
		t.evict() // again, should all that were to leave have been used meanwhile
	}
	k, v := add()
	e := &entry[K, V]{key: k, value: v}
	e.age.Store(t.age.Add(1))
	h := t.hash(k)
	t.replace(t.shard(h), func(m map[uint64]*entry[K, V]) {
		if m[h] != nil {
			t.remove(m, h)
		}
		m[h] = e
	})
	t.size.Add(1)
	return v
}

// Delete forgets k.
func (t *Table[K, V]) Delete(k K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Get(k) == nil {
		return
	}
	h := t.hash(k)
	t.replace(t.shard(h), func(m map[uint64]*entry[K, V]) { t.remove(m, h) })
}

func (t *Table[K, V]) remove(m map[uint64]*entry[K, V], hash uint64) {
	m[hash].age.Store(gone)
	delete(m, hash)
	t.size.Add(-1)
}

// All calls yield for each key, in no order. Keys that come or go meanwhile
// may be seen or not.
func (t *Table[K, V]) All(yield func(K, *V) bool) {
	for i := range t.shards {
		m := t.shards[i].Load()
		if m == nil {
			continue
		}
		for _, e := range *m {
			if !yield(e.key, e.value) {
				return
			}
		}
	}
}

func (t *Table[K, V]) replace(p *atomic.Pointer[map[uint64]*entry[K, V]], change func(map[uint64]*entry[K, V])) {
	m := map[uint64]*entry[K, V]{}
	if old := p.Load(); old != nil {
		m = maps.Clone(*old)
	}
	change(m)
	p.Store(&m)
}

// evict removes the longest unused sixteenth, at least one key; those that are
// used while it works stay. To remove many at once keeps a flood of new keys
// cheap: the scan is paid once for all of them.
func (t *Table[K, V]) evict() {
	ages := make([]uint64, 0, t.Len())
	for i := range t.shards {
		if m := t.shards[i].Load(); m != nil {
			for _, e := range *m {
				ages = append(ages, e.age.Load())
			}
		}
	}
	slices.Sort(ages)
	leave := max(1, t.Max/16)
	limit := ages[leave-1]
	older, _ := slices.BinarySearch(ages, limit)
	ties := leave - older // that many of those whose age is the limit leave too
	for i := range t.shards {
		m := t.shards[i].Load()
		if m == nil {
			continue
		}
		t.replace(&t.shards[i], func(kept map[uint64]*entry[K, V]) {
			for h, e := range *m {
				age := e.age.Load()
				if age == limit {
					ties--
				}
				if age < limit || age == limit && ties >= 0 {
					t.remove(kept, h)
				}
			}
		})
	}
}
