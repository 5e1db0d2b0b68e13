package fallback

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// invalidateBy forgets what an unsafe request has changed: everything under
// its URL, for whomever it was kept, and under the URLs that the answer names
// in Location and Content-Location if they are of the same origin: RFC 9111,
// section 4.4. An error answer changes nothing.
func (c *core) invalidateBy(req *http.Request, resp *http.Response) {
	if resp.StatusCode < 200 || resp.StatusCode > 399 || req.URL == nil {
		return
	}
	ctx, cancel := c.within(context.WithoutCancel(req.Context()))
	defer cancel()
	c.invalidate(ctx, req.URL, req.Host)
	for _, name := range [...]string{"Location", "Content-Location"} {
		for _, ref := range resp.Header[name] {
			if u := named(ref, req); u != nil {
				c.invalidate(ctx, u, req.Host)
			}
		}
	}
}

// named returns the URL under which what ref names is asked for, or nil if that
// is of another origin. The origin knows itself by the Host header, which a
// proxy may have left as its client sent it, and then not by the URL's host.
func named(ref string, req *http.Request) *url.URL {
	u, err := req.URL.Parse(ref)
	if err != nil {
		return nil
	}
	if sameOrigin(u, req.URL) {
		return u
	}
	scheme := strings.ToLower(u.Scheme)
	own := authority(strings.ToLower(req.URL.Scheme), req.URL.Host)
	if host := authority(scheme, req.Host); req.Host == "" || host == own || host != authority(scheme, u.Host) {
		return nil
	}
	here := *u
	here.Scheme, here.Host = req.URL.Scheme, req.URL.Host
	return &here
}

func sameOrigin(a, b *url.URL) bool {
	scheme := strings.ToLower(a.Scheme)
	return strings.EqualFold(a.Scheme, b.Scheme) && authority(scheme, a.Host) == authority(scheme, b.Host)
}

func (c *core) invalidate(ctx context.Context, u *url.URL, host string) {
	for i, r := range c.rings {
		key := r.resource(u, host)
		unlock := c.lock(key)
		if i == 0 {
			c.past.add(key)
		}
		c.shelf.invalidate(ctx, r, key)
		unlock()
	}
}

// past remembers the last invalidations of this process, so that a response
// that was under way meanwhile is not stored: it may be older than the change.
type past struct {
	count atomic.Uint64 // of all invalidations

	mu   sync.Mutex // guards last
	last [128]digest
}

func (p *past) add(k digest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.count.Load()
	p.last[n%uint64(len(p.last))] = k
	p.count.Store(n + 1)
}

// since reports whether k may have been invalidated after the first n
// invalidations.
func (p *past) since(k digest, n uint64) bool {
	if p.count.Load() == n {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.count.Load()
	if now-n > uint64(len(p.last)) {
		return true
	}
	for ; n < now; n++ {
		if p.last[n%uint64(len(p.last))] == k {
			return true
		}
	}
	return false
}
