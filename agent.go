package safetrip

import (
	"cmp"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
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

// A setup is what an Agent has made of a Config.
type setup struct {
	config    Config
	logger    *slog.Logger       // its Logger, without the Agent's name
	own       *policy            // of calls that are no service's
	services  map[string]*policy // by name
	routes    map[place]*policy  // those of services
	health    *healthz.Monitor
	ownHealth bool // the user gave none
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
// An error names every setting out of its bounds; nothing is changed then.
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
	err = a.unobserve() // before what may take time: until then each count is told twice, and added up
	a.unobserve = unobserve
	a.background.become(now.work())
	return err
}

// newSetup makes a setup of cfg that goes on where before is.
func (a *Agent) newSetup(cfg Config, before *setup) *setup {
	cfg.Services = maps.Clone(cfg.Services)
	cfg.Logger = cfg.logger()
	cfg.Retry.Budget = cmp.Or(cfg.Retry.Budget, &a.budget)
	cfg.Cache = cmp.Or(cfg.Cache, &a.cache)
	s := &setup{logger: cfg.Logger, health: a.monitor(&cfg, before), ownHealth: cfg.Health == nil}

	cfg.Logger = cfg.Logger.With(slog.String("agent", a.name))
	s.config = cfg.withDefaults()
	s.own = a.newPolicy("", s.config, before.own)
	s.services = make(map[string]*policy, len(cfg.Services))
	s.routes = make(map[place]*policy)
	for name, c := range cfg.Services {
		if c.Cache == nil && !c.sendsLike(&cfg) {
			c.Cache = before.cacheOf(name)
		}
		p := a.newPolicy(name, c.under(&s.config, name), before.services[name])
		s.services[name] = p
		for _, host := range c.Hosts {
			if at, err := placeOf(host); err == nil { // Validate saw to that
				s.routes[at] = p
			}
		}
	}
	return s
}

// cacheOf returns the cache that was made for a service, or a new one.
func (s *setup) cacheOf(service string) *fallback.Cache {
	if c, ok := s.config.Services[service]; ok && c.Cache == nil && !c.sendsLike(&s.config) {
		return s.services[service].config.Cache
	}
	return new(fallback.Cache)
}

// sendsLike reports whether a service's requests leave as the Agent's do, so
// that a cache, which does not see what Base and PerAttempt add to them, need
// not tell the two apart.
func (c *Config) sendsLike(agent *Config) bool {
	return c.Base == nil && len(c.PerAttempt) == 0 && len(agent.PerAttempt) == 0
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
