package fallback

import (
	"context"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// remoteShelf is a shelf in a Store that may be slow, dead or wrong. Every call has
// a goroutine, which is left behind if it does not come back in time; left
// counts those, and bounds them.
type remoteShelf struct {
	store   Store
	prefix  string
	timeout time.Duration
	errors  *atomic.Uint64
	near    func(key string) []byte // the Store's, if it has the method
	left    atomic.Int64
}

// maxLeft bounds the calls of a Store that nobody waits for any more. Those that
// somebody waits for are as many as there are callers, and have their time.
const maxLeft = 64

func newRemote(store Store, namespace string, timeout time.Duration, errs *atomic.Uint64) *remoteShelf {
	near := func(string) []byte { return nil }
	if n, ok := store.(interface{ Near(key string) []byte }); ok {
		near = n.Near
	}
	return &remoteShelf{store: store, prefix: "safetrip:" + namespace + ":", timeout: timeout, errors: errs, near: near}
}

func (r *remoteShelf) key(k digest) string {
	return r.prefix + base64.RawURLEncoding.EncodeToString(k[:])
}

func (r *remoteShelf) get(ctx context.Context, ring *ring, k digest) item {
	var got []byte
	err := r.call(ctx, func(ctx context.Context) (err error) {
		got, err = r.store.Get(ctx, r.key(k))
		return err
	})
	var sealed []byte
	if err == nil {
		sealed = got
	} else {
		sealed = r.near(r.key(k)) // got may still be written to
	}
	if sealed == nil {
		return nil
	}
	v, err := ring.open(k, sealed)
	if err != nil {
		r.errors.Add(1)
		return nil
	}
	return v
}

func (r *remoteShelf) put(ctx context.Context, ring *ring, k digest, v item, ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	sealed := ring.seal(k, v)
	_ = r.call(ctx, func(ctx context.Context) error { return r.store.Set(ctx, r.key(k), sealed, ttl) })
}

func (r *remoteShelf) drop(ctx context.Context, _ *ring, k digest) {
	_ = r.call(ctx, func(ctx context.Context) error { return r.store.Delete(ctx, r.key(k)) })
}

// invalidate leaves a resource in place that says when it was invalidated, so
// that an older response that another process is still reading is not taken
// for a newer one.
func (r *remoteShelf) invalidate(ctx context.Context, ring *ring, k digest) {
	r.put(ctx, ring, k, &resource{nonce: rand.Uint64(), changed: time.Now()}, tombTime)
}

// tombTime is how long an invalidation is remembered in a Store.
const tombTime = time.Minute

var errBusy = errors.New("fallback: the store does not answer")

// call runs f, and returns when it does or when time is up. F writes to the
// variables of its caller, who must not read them when call returned an error.
func (r *remoteShelf) call(ctx context.Context, f func(context.Context) error) error {
	if r.left.Load() >= maxLeft {
		r.errors.Add(1)
		return errBusy
	}
	within, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	done := make(chan error, 1)
	var over atomic.Bool // the call has come back, or was left behind: whichever was first
	go func() {
		defer func() {
			if over.Swap(true) {
				r.left.Add(-1)
			}
		}()
		defer func() {
			if recover() != nil { // a driver's bug is a miss too
				done <- errBusy
			}
		}()
		done <- f(within)
	}()
	var err error
	select {
	case err = <-done:
	case <-within.Done():
		err = within.Err()
		r.left.Add(1)
		if over.Swap(true) { // it has just come back
			r.left.Add(-1)
		}
	}
	if callerLeft := ctx.Err() != nil && context.Cause(ctx) != errBusy; err != nil && !callerLeft { //nolint:errorlint // it is our own value
		r.errors.Add(1)
	}
	return err
}
