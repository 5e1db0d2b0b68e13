package fallback

import (
	"context"
	"time"
)

// within returns a context for all that one call asks of a distant store.
func (c *core) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.memory != nil {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, c.StoreTimeout, errBusy)
}

// find returns the stored response that matches a, or nil: RFC 9111, section
// 4, but for freshness. Everything that tells requests apart is in the key, so
// that it is asked again here whatever the reason for asking is.
func (c *core) find(a *asking) *entry {
	ctx, cancel := c.within(a.Context())
	defer cancel()
	for _, r := range c.rings {
		if e := c.findUnder(ctx, r, a); e != nil {
			return e
		}
	}
	return nil
}

func (c *core) findUnder(ctx context.Context, r *ring, a *asking) *entry {
	key := r.resource(a.URL, a.Host)
	res, ok := c.shelf.get(ctx, r, key).(*resource)
	if !ok {
		return nil
	}
	for _, spec := range res.specs {
		at := place(c.variant(r, key, a, spec), res.nonce)
		if e, ok := c.shelf.get(ctx, r, at).(*entry); ok && e.spec == spec {
			return e
		}
	}
	return nil
}

// An address is where the answer to a request is kept, but for the number of
// its resource. It is computed while the request is on its way, when nobody
// can have changed it yet: at the end of the body the caller may be using it
// for something else already.
type address struct{ resource, variant digest }

func (c *core) addressOf(a *asking, spec string) address {
	r := c.rings[0]
	key := r.resource(a.URL, a.Host)
	return address{key, c.variant(r, key, a, spec)}
}

// commit stores e; a distant store is written to in the background. Settled, if
// not nil, is told what others can expect of it.
func (c *core) commit(at address, e *entry, m mark, settled func(outcome)) {
	write := func(ctx context.Context) {
		how := withheld
		if c.put(ctx, at, e, m) {
			c.stored.Add(1)
			how = shared
		}
		if settled != nil {
			settled(how)
		}
	}
	if c.memory != nil {
		write(context.Background())
	} else if !c.background.start(write) {
		c.errors.Add(1)
		if settled != nil {
			settled(withheld)
		}
	}
}

// put stores an entry unless its resource was invalidated since the request
// was sent.
func (c *core) put(ctx context.Context, to address, e *entry, m mark) bool {
	r, key := c.rings[0], to.resource
	etag, modified := e.validator()
	ttl := c.keepFor(e.terms, etag != "" || modified != "")
	defer c.lock(key)()
	if c.past.since(key, m.invalidations) {
		return false
	}
	res, _ := c.shelf.get(ctx, r, key).(*resource)
	if res != nil && m.sent != 0 && res.changed.After(c.made.Add(m.sent)) {
		return false
	}
	next := res.with(e.spec)
	at := place(to.variant, next.nonce)
	if old, ok := c.shelf.get(ctx, r, at).(*entry); ok && old.received.After(e.received) && old.received.Before(time.Now().Add(clockSkew)) {
		return true // what came later was read sooner
	}
	c.shelf.put(ctx, r, at, e, ttl)
	switch {
	case c.memory == nil:
		c.shelf.put(ctx, r, key, next, max(ttl, resourceTime))
	case next != res: // there it stays as long as one of its responses is asked for
		c.shelf.put(ctx, r, key, next, forever)
	}
	return true
}

// resourceTime is how long a resource is kept at least in a distant store.
const resourceTime = 24 * time.Hour

// forget drops the response that would be served to a, and no other's.
func (c *core) forget(a *asking) {
	ctx, cancel := c.within(context.WithoutCancel(a.Context()))
	defer cancel()
	for _, r := range c.rings {
		key := r.resource(a.URL, a.Host)
		res, ok := c.shelf.get(ctx, r, key).(*resource)
		if !ok {
			continue
		}
		for _, spec := range res.specs {
			at := place(c.variant(r, key, a, spec), res.nonce)
			c.shelf.drop(ctx, r, at)
		}
	}
}
