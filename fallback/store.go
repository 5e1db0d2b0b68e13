package fallback

import (
	"context"
	"time"

	gocache "github.com/patrickmn/go-cache"
)

// A Store keeps values for a [Cache]. [Memory] is one; others keep them where
// many processes can read them.
//
// A Store need not be trusted to be there: an error, or no answer in time, is a
// miss, and is counted. Nor need it be trusted to be right: values are sealed
// with the Cache's Secret, and one that is cut, changed, or under another's key
// is a miss too. What it can do is read what is stored.
//
// A Store that keeps copies in this process's memory can have one more method,
// Near(key string) []byte, which returns a copy at once, or nil. It is asked
// when Get has failed or was too late, so that a call gets what is at hand
// however long the Store takes.
//
// Methods are called from many goroutines. They should return when ctx is over;
// one that does not is left behind, and when 64 are, further calls fail at
// once until one returns.
type Store interface {
	// Get returns the value of key, or nil if there is none, which is no error.
	// The caller does not change the value, nor may the Store: what is served is
	// the very bytes.
	Get(ctx context.Context, key string) ([]byte, error)

	// Set stores a value, in place of an older one, for as long as ttl. The
	// value does not change any more. Keys are printable ASCII, of less than 100
	// bytes beside the Namespace.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Delete forgets key.
	Delete(ctx context.Context, key string) error
}

// A shelf is a Store as the cache uses it: for items, under keys that a ring
// made. None of it fails: what cannot be had is not there.
type shelf interface {
	get(ctx context.Context, r *ring, k digest) item
	put(ctx context.Context, r *ring, k digest, v item, ttl time.Duration)
	drop(ctx context.Context, r *ring, k digest)
	invalidate(ctx context.Context, r *ring, resource digest)
}

// forever is the time of what leaves a Memory only to make room.
const forever = gocache.NoExpiration

// A Memory holds items as they are.

func (m *Memory) get(_ context.Context, _ *ring, k digest) item {
	v, _ := m.load(string(k[:])).(item)
	return v
}

func (m *Memory) put(_ context.Context, _ *ring, k digest, v item, ttl time.Duration) {
	if ttl > 0 || ttl == forever {
		m.save(string(k[:]), v, v.size(), ttl)
	}
}

func (m *Memory) drop(_ context.Context, _ *ring, k digest) { m.forget(string(k[:])) }

func (m *Memory) invalidate(ctx context.Context, r *ring, k digest) { m.drop(ctx, r, k) }
