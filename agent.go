package safetrip

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// An Agent is the whole kit under one name: a transport that survives, and a
// health page that says how it is doing. All methods may be called
// concurrently.
type Agent struct {
	name  string
	setup atomic.Pointer[setup]

	// What is counted and kept whatever Reconfigure does. Budget and cache are
	// those of Configs that have none of their own.
	stats  transport.Stats
	budget transport.Budget
	cache  fallback.Cache

	mu         sync.Mutex // guards the rest; held by New, Reconfigure and Close
	closed     bool
	background background
	unobserve  func() error // takes the Agent's gauges away
}

// New returns an Agent with the given name, which appears in logs and on the
// health page. It starts the Agent's checks; call [Agent.Close] to end them.
//
// An error names every setting out of its bounds.
func New(name string, cfg Config) (*Agent, error) {
	err := cfg.Validate()
	if name == "" {
		err = errors.Join(errors.New("safetrip: the name of an Agent must not be empty"), err)
	}
	if err != nil {
		return nil, err
	}
	a := &Agent{name: name, unobserve: func() error { return nil }}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.adopt(cfg); err != nil {
		return nil, err
	}
	return a, nil
}

// ErrClosed is what [Agent.Reconfigure] returns after [Agent.Close].
var ErrClosed = errors.New("safetrip: the Agent is closed")

// Reconfigure puts cfg in the place of what the Agent was configured with.
// Clients and Services that were got before go on with it; calls on their way
// end as they began.
//
// Counts live on, and so do circuits and levels: what is open stays open. So
// does a Cache, Budget or Monitor that neither Config has, or both have. One
// that only cfg has must be new, and so must a Cache where Base or PerAttempt
// act for somebody else by then. A Limit counts the calls that come from then
// on.
//
// An error names every setting out of its bounds. The Agent goes on as before
// then.
func (a *Agent) Reconfigure(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrClosed
	}
	return a.adopt(cfg)
}

// adopt makes the Agent go by cfg, which is valid.
func (a *Agent) adopt(cfg Config) error {
	before := a.setup.Load()
	now := a.newSetup(cfg, cmp.Or(before, new(setup)))
	a.setup.Store(now)
	unobserve, err := a.observe(&now.config)
	if err != nil {
		a.setup.Store(before)
		return err
	}
	// Before what may take time: until then each count is told twice, and added up.
	if err := a.unobserve(); err != nil {
		now.config.Logger.Warn("metrics of the settings before stay registered", "error", err)
	}
	a.unobserve = unobserve
	a.background.become(now.work())
	return nil
}

// Client returns a new [http.Client] whose Transport is the Agent's. Set its
// other fields, such as Timeout and Jar, as for any client.
func (a *Agent) Client() *http.Client { return &http.Client{Transport: a.Transport()} }

// Transport returns the Agent's transport, for a client that you have already.
// Calls to the Hosts of a service are treated as that service's.
func (a *Agent) Transport() http.RoundTripper { return &router{a} }

// Close ends the Agent's background work and waits for it. Calls in flight and
// new ones still pass. A second Close does nothing. A Cache that you gave is
// yours to close.
func (a *Agent) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	a.background.become(nil)
	return a.unobserve()
}

// logger returns the user's logger with the ids of traces added.
func (c *Config) logger() *slog.Logger {
	l := cmp.Or(c.Logger, slog.Default())
	if !c.on(Telemetry) {
		return l
	}
	return slog.New(telemetry.Logs(l.Handler()))
}
