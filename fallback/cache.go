package fallback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/internal/layer"
	"github.com/safetrip-go/safetrip/transport"
)

// Cache keeps responses. Put its Wrap directly inside a [Ladder] and its Step
// among the ladder's, and a service that fails is stood in for by its own last
// good answer. With ServeFresh it is an HTTP cache as well.
//
// It is a shared cache in the sense of RFC 9111: one client usually serves
// many users. What a request with credentials was answered is kept for those
// credentials alone; within them it may be private. The package comment says
// what is kept, for whom and for how long.
//
// A RoundTripper cannot see client certificates, nor what wrappers further in
// add to a request: one Cache serves one identity of each, or is told them
// apart by Partition.
//
// The zero value works. Its fields are read at the first Wrap. Several Wraps
// share what is stored.
type Cache struct {
	// ServeFresh lets a stored response answer a call without asking the
	// service while it is fresh, as RFC 9111 has it: by what the service said
	// explicitly. Without it every call goes out, and stored responses are for
	// the Step alone.
	ServeFresh bool

	// Heuristic extends freshness to responses that say nothing of it but have
	// a Last-Modified: a tenth of their age then, at most 24 h (RFC 9111,
	// section 4.2.2).
	Heuristic bool

	// Coalesce makes concurrent calls that miss the same fresh response wait
	// for the first of them instead of all asking the service. It takes
	// ServeFresh. A wait ends after 5 s.
	Coalesce bool

	// TTL is how long after it was stored a response may stand in for a failing
	// service if the service did not say so itself, by stale-if-error. It never
	// makes a response fresh. If zero, it is 1 h; if negative, only responses
	// with stale-if-error, and fresh ones, stand in.
	TTL time.Duration

	// PostKey, if not nil, makes answers to POST requests stand in too. It
	// returns what a request asks for beyond its URL, which is the meaning of
	// its body, or "" to leave a request alone; [BodyKey] will do where the body
	// is all that counts. It must not touch the request's Body, which was sent
	// already; GetBody has another. A POST with a key counts as a question: it
	// invalidates nothing.
	PostKey func(*http.Request) string

	// SingleUser says that all requests are one user's: credentials do not tell
	// responses apart, and private ones are kept (RFC 9111, section 5.2.2.7).
	SingleUser bool

	// Credentials has further headers by which users are told apart, beside
	// Authorization, Proxy-Authorization, Cookie, X-Api-Key, Api-Key,
	// X-Goog-Api-Key and the like, and the user name and password of a URL. To
	// name a header here is to say that it proves who asks: private answers are
	// kept for it.
	Credentials []string

	// Partition, if not nil, returns who asks, where the request does not say
	// so in a header: from its context, say, when a wrapper further in adds a
	// token. Responses are never shared between two values. It must be safe
	// for concurrent use.
	Partition func(*http.Request) string

	// MaxBytes bounds what is held in memory, if Store is nil. If zero, it is
	// 64 MiB. Responses that are being read count too, on their own: they may
	// take as much again.
	MaxBytes int64

	// MaxBody is how many bytes the body of a response may have to be stored.
	// If zero, it is 1 MiB.
	MaxBody int64

	// Store is where responses are kept. If nil, it is a Memory of the Cache's
	// own. A Store that is not a Memory needs a Namespace and a Secret.
	Store Store

	// Namespace tells the Caches apart that share a Store: those that serve the
	// same base share one. Caches in which SingleUser, Credentials or Partition
	// are set differently share nothing all the same, nor do two versions of the
	// kit that know of different credentials.
	Namespace string

	// Secret is the key under which requests are hashed, credentials among
	// them, and stored responses are sealed: 32 bytes or more, the same for all
	// who share a Store. If nil, it is random.
	Secret []byte

	// OldSecrets are keys that were in use before Secret. What was stored under
	// them is still found.
	OldSecrets [][]byte

	// StoreTimeout bounds what a call may wait for a Store that is not a Memory;
	// what takes longer is a miss. If zero, it is 50 ms.
	StoreTimeout time.Duration

	once sync.Once
	core *core
	err  error
}

// Validate returns an error that names every field out of its bounds.
func (c *Cache) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("fallback: Cache."+format, args...)) }
	if c.Coalesce && !c.ServeFresh {
		fault("Coalesce is set without ServeFresh: nothing could be shared")
	}
	if c.Heuristic && !c.ServeFresh {
		fault("Heuristic is set without ServeFresh: nothing is served fresh")
	}
	if c.MaxBytes < 0 {
		fault("MaxBytes is %d; it must not be negative", c.MaxBytes)
	}
	if c.MaxBody < 0 {
		fault("MaxBody is %d; it must not be negative", c.MaxBody)
	}
	if c.StoreTimeout < 0 {
		fault("StoreTimeout is %v; it must not be negative", c.StoreTimeout)
	}
	if c.Secret != nil && len(c.Secret) < minSecret {
		fault("Secret has %d bytes; it must have %d or more", len(c.Secret), minSecret)
	}
	for i, s := range c.OldSecrets {
		if len(s) < minSecret {
			fault("OldSecrets[%d] has %d bytes; it must have %d or more", i, len(s), minSecret)
		}
	}
	if len(c.OldSecrets) > maxOldSecrets {
		fault("OldSecrets has %d keys; it may have %d", len(c.OldSecrets), maxOldSecrets)
	}
	memory, own := c.Store.(*Memory)
	if own && memory == nil {
		fault("Store is a nil *Memory; leave it out, or make one by NewMemory")
	}
	if c.Store != nil && !own {
		if c.Namespace == "" {
			fault("Namespace is empty; a Store that may be shared needs one")
		}
		if c.Secret == nil {
			fault("Secret is missing; a Store that may be shared needs one")
		}
	}
	if slices.Contains(c.Credentials, "") {
		fault("Credentials has an empty name")
	}
	return errors.Join(errs...)
}

// Wrap returns next with its responses stored. It panics if c is not valid.
func (c *Cache) Wrap(next http.RoundTripper) http.RoundTripper {
	core, err := c.freeze()
	if err != nil {
		panic(err)
	}
	return &caching{layer.Layer{Next: next}, core}
}

// Step returns the step, named "cached", that answers with what was stored. It
// can be had before Wrap was called.
func (c *Cache) Step() Step {
	return Step{"cached", func(req *http.Request, _ transport.Verdict) (*http.Response, error) {
		core, err := c.freeze()
		if err != nil {
			return nil, err
		}
		return core.standIn(req)
	}}
}

// Run revalidates in the background what was served under
// stale-while-revalidate (RFC 5861, section 3), at most 16 responses at once,
// until ctx is over. While it does not run, stale responses are not served on
// those terms. It returns the context's cause when the last of its requests
// has ended.
func (c *Cache) Run(ctx context.Context) error {
	core, err := c.freeze()
	if err != nil {
		return err
	}
	return core.run(ctx)
}

// State returns a snapshot of the cache. Of a Store that is not a Memory the
// size is not known.
func (c *Cache) State() transport.CacheState {
	core, err := c.freeze()
	if err != nil {
		return transport.CacheState{}
	}
	return core.state()
}

// Close waits until what is on its way to a Store has arrived, or failed, and
// releases a Memory of the Cache's own. Calls pass as before, and nothing is
// stored any more.
func (c *Cache) Close() error {
	core, err := c.freeze()
	if err != nil {
		return err
	}
	core.close()
	return nil
}

func (c *Cache) freeze() (*core, error) {
	c.once.Do(func() {
		if c.err = c.Validate(); c.err == nil {
			c.core = newCore(c)
		}
	})
	return c.core, c.err
}
