package safetrip

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
)

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

// policies yields the Agent's own policy and those of its services, by name.
func (s *setup) policies(yield func(*policy) bool) {
	if !yield(s.own) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		if !yield(s.services[name]) {
			return
		}
	}
}

// caches returns the caches in use, each once.
func (s *setup) caches() []*fallback.Cache {
	var all []*fallback.Cache
	seen := make(map[*fallback.Cache]bool)
	for p := range s.policies {
		if c := p.config.Cache; p.config.on(Fallback) && !seen[c] {
			seen[c] = true
			all = append(all, c)
		}
	}
	return all
}
