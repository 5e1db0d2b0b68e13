package fallback

import (
	"crypto/rand"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

const (
	minSecret     = 32
	maxOldSecrets = 4
)

// settings are a Cache's fields with the defaults filled in.
type settings struct {
	ServeFresh, Heuristic, Coalesce, SingleUser bool
	TTL, StoreTimeout                           time.Duration
	MaxBytes, MaxBody                           int64
	PostKey, Partition                          func(*http.Request) string
}

// A core is a Cache at work: settings that do not change any more, and state.
type core struct {
	settings
	credentials nameSet
	telling     nameSet // the credentials, and all other names by which isSign knows a header
	rings       []*ring // the one that is written with first
	shelf       shelf
	memory      *Memory // the shelf, if it is one
	own         bool    // memory is nobody else's
	clocked     bool    // it matters when a request was sent
	made        time.Time

	hits, misses, stored, errors atomic.Uint64
	reading                      atomic.Int64 // bytes held of responses that are being read
	past                         past
	flights                      flights
	background                   background
	closed                       atomic.Bool
	locks                        [16]sync.Mutex // each guards the resources of some keys in memory
}

func newCore(c *Cache) *core {
	k := &core{
		settings: settings{
			ServeFresh: c.ServeFresh, Heuristic: c.Heuristic, Coalesce: c.Coalesce, SingleUser: c.SingleUser,
			TTL: c.TTL, StoreTimeout: c.StoreTimeout, MaxBytes: c.MaxBytes, MaxBody: c.MaxBody, PostKey: c.PostKey, Partition: c.Partition,
		},
		credentials: credentialNames(c.Credentials),
		made:        time.Now(),
	}
	switch {
	case k.TTL == 0:
		k.TTL = defaultTTL
	case k.TTL < 0:
		k.TTL = 0
	}
	if k.MaxBytes == 0 {
		k.MaxBytes = defaultMaxBytes
	}
	if k.MaxBody == 0 {
		k.MaxBody = defaultMaxBody
	}
	if k.StoreTimeout == 0 {
		k.StoreTimeout = defaultStoreTimeout
	}
	k.telling = union(k.credentials, detours, persons)
	k.addRings(c)
	k.addShelf(c)
	k.clocked = k.ServeFresh || k.memory == nil
	return k
}

// The defaults that are numbers.
const (
	defaultTTL          = time.Hour
	defaultMaxBytes     = 64 << 20
	defaultMaxBody      = 1 << 20
	defaultStoreTimeout = 50 * time.Millisecond
)

func (c *core) addRings(from *Cache) {
	secret := from.Secret
	if secret == nil {
		secret = make([]byte, minSecret)
		rand.Read(secret) // never fails
	}
	space := append([]string{from.Namespace}, c.identity()...)
	c.rings = append(c.rings, newRing(secret, space...))
	for _, old := range from.OldSecrets {
		c.rings = append(c.rings, newRing(old, space...))
	}
}

func (c *core) addShelf(from *Cache) {
	switch store := from.Store.(type) {
	case nil:
		c.memory, c.own = NewMemory(c.MaxBytes), true
	case *Memory:
		c.memory = store
	default:
		c.shelf = newRemote(store, from.Namespace, c.StoreTimeout, &c.errors)
		return
	}
	c.shelf = c.memory
}

func (c *core) state() transport.CacheState {
	s := transport.CacheState{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Stored: c.stored.Load(), Errors: c.errors.Load(),
	}
	if c.memory != nil {
		s.Entries, s.Bytes, s.Max, s.Evicted = c.memory.Len(), c.memory.Bytes(), c.memory.Max(), c.memory.Evicted()
	}
	return s
}

func (c *core) close() {
	c.closed.Store(true)
	c.background.wait()
	if c.own {
		c.memory.Close()
	}
}

// empty says whether nothing is stored for certain.
func (c *core) empty() bool { return c.memory != nil && c.memory.Len() == 0 }

// lock keeps two writers of one resource apart. In memory that takes no time;
// a distant store decides for itself who was last.
func (c *core) lock(k digest) func() {
	if c.memory == nil {
		return func() {}
	}
	mu := &c.locks[k[0]%uint8(len(c.locks))]
	mu.Lock()
	return mu.Unlock
}
