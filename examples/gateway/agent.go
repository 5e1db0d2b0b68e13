package main

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

// An upstream is the Agent with what it does not own itself.
type upstream struct {
	*safetrip.Agent
	cache *fallback.Cache
	store *shared // nil without -redis
}

func newUpstream(o options, log *slog.Logger) (*upstream, error) {
	u := new(upstream)
	breaker := &transport.Breaker{
		// One host has many resources, and one that always fails does not
		// speak for the others: only when half of the calls fail is it down.
		Rule:    transport.Ratio{},
		OpenFor: 5 * time.Second, MaxOpenFor: 30 * time.Second,
	}
	u.cache = &fallback.Cache{ServeFresh: o.cache == cacheFresh, Heuristic: o.cache == cacheFresh, Coalesce: o.cache == cacheFresh}
	circuits := breaker.States
	if o.redis != "" {
		var err error
		if u.store, err = o.share(u.cache, log); err != nil {
			return nil, err
		}
		circuits = func() []transport.Circuit { return append(breaker.States(), u.store.State().Circuit) }
	}
	cfg := safetrip.Config{
		Base:       bareTransport(),
		Retry:      transport.Retry{MaxAttempts: 1 + o.retries},
		Breaker:    breaker,
		Timeout:    transport.Timeout{Headers: cmp.Or(o.timeout, -1)},
		Cache:      u.cache,
		PerAttempt: []transport.Middleware{noteConditions},
		Health: &healthz.Monitor{
			Sources: healthz.Sources{Circuits: circuits},
			Detail:  func(*http.Request) bool { return true }, // whoever reaches the admin address
		},
		Logger: log,
	}
	if o.cache == cacheOff {
		cfg.Disable |= safetrip.Fallback
	}
	if o.retries == 0 {
		cfg.Disable |= safetrip.Retry
	}
	agent, err := safetrip.New("gateway", cfg)
	if err != nil {
		return nil, errors.Join(err, u.store.Close())
	}
	u.Agent = agent
	return u, nil
}

// Close ends what runs in the background, in this order: the cache may still be
// writing to the store.
func (u *upstream) Close() error {
	return errors.Join(u.Agent.Close(), u.cache.Close(), u.store.Close())
}

// bareTransport sends what the client sent, and nothing of its own: it asks for
// no compression that it would have to undo, and for no other proxy.
func bareTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck // nobody changes another package's variables
	t.Proxy = nil
	t.DisableCompression = true
	t.MaxIdleConns = 256
	t.MaxIdleConnsPerHost = 256 // there is one host
	return t
}
