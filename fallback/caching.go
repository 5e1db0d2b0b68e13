package fallback

import (
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// caching is a Cache's layer in a chain.
type caching struct {
	layer.Layer
	*core
}

// RoundTrip asks the service, and keeps what it answers. Only where a stored
// response may be served without asking does it look for one first: all else
// costs a key that most calls have no use for.
func (c *caching) RoundTrip(req *http.Request) (*http.Response, error) {
	if c.ServeFresh && isRead(req.Method) && req.Context().Err() == nil {
		return c.consult(req)
	}
	m := c.mark()
	resp, err := c.Send(req)
	if err != nil {
		return nil, err
	}
	return c.keep(req, resp, m, nil), nil
}

// A mark says when a request was sent: in invalidations, and, where that
// matters, in time.
type mark struct {
	invalidations uint64
	sent          time.Duration // since the cache was made, 0 if it was not measured
}

func (c *core) mark() mark {
	m := mark{invalidations: c.past.count.Load()}
	if c.clocked {
		m.sent = max(1, time.Since(c.made))
	}
	return m
}

// delay returns how long before at the request was sent, 0 if that was not
// measured.
func (c *core) delay(m mark, at time.Time) time.Duration {
	if m.sent == 0 {
		return 0
	}
	return at.Sub(c.made) - m.sent
}
