package fallback

import (
	"net/http"
	"time"
)

// standIn answers a request that failed with what was stored, or has no
// answer. Whether a call may be stood in for is the ladder's to say; whether
// this response may do it is asked here.
func (c *core) standIn(req *http.Request) (*http.Response, error) {
	a := c.read(req)
	if req.Method == http.MethodPost && c.PostKey != nil {
		a.post = c.PostKey(req)
	}
	if !a.cachable() && (a.post == "" || !a.plain()) {
		return nil, ErrNoAnswer
	}
	e := c.find(&a)
	if e == nil {
		c.misses.Add(1)
		return nil, ErrNoAnswer
	}
	kept, ok := e.kept(time.Now())
	age := e.age + kept
	if !ok || e.status >= 400 || !e.standsIn(age, kept, c.TTL, a.control) {
		c.misses.Add(1)
		return nil, ErrNoAnswer
	}
	f := facts{why: fwdStale}
	if age < e.life {
		f.why = fwdBypass // it is good, and the service was asked all the same
	}
	return c.serve(&a, e, age, f), nil
}
