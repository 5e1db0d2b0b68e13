package safetrip

import (
	"net/url"

	"github.com/safetrip-go/safetrip/transport"
)

// What follows is the state of the Agent's layers, those of its services
// included, for the health page and for metrics.

func (a *Agent) circuits() []transport.Circuit {
	var all []transport.Circuit
	seen := make(map[*transport.Breaker]bool)
	for p := range a.setup.Load().policies {
		if b := p.config.Breaker; p.config.on(Breaker) && !seen[b] {
			seen[b] = true
			all = append(all, b.States()...)
		}
	}
	return all
}

func (a *Agent) budgets() []transport.BudgetState {
	var all []transport.BudgetState
	seen := make(map[*transport.Budget]bool)
	for p := range a.setup.Load().policies {
		if b := p.config.Retry.Budget; p.config.on(Retry) && !seen[b] {
			seen[b] = true
			all = append(all, b.States()...)
		}
	}
	return all
}

func (a *Agent) levels() []transport.LadderState {
	var all []transport.LadderState
	s := a.setup.Load()
	for p := range s.policies {
		if !p.config.on(Fallback) {
			continue
		}
		for _, level := range p.ladder.States() {
			if p != s.own || !s.elsewhere(level.Key) {
				all = append(all, level)
			}
		}
	}
	return all
}

// elsewhere reports whether calls to a ladder's key, a scheme and an authority,
// have become a service's. Nothing tells the Agent's own ladder any more how
// things are there.
func (s *setup) elsewhere(key string) bool {
	u, err := url.Parse(key)
	return err == nil && s.route(u) != s.own
}

func (a *Agent) cacheStates() []transport.CacheState {
	var all []transport.CacheState
	for _, c := range a.setup.Load().caches() {
		all = append(all, c.State())
	}
	return all
}

// cacheState returns the state of all caches as if they were one.
func (a *Agent) cacheState() transport.CacheState {
	var sum transport.CacheState
	for _, s := range a.cacheStates() {
		sum.Entries += s.Entries
		sum.Bytes += s.Bytes
		sum.Max += s.Max
		sum.Hits += s.Hits
		sum.Misses += s.Misses
		sum.Stored += s.Stored
		sum.Evicted += s.Evicted
		sum.Errors += s.Errors
	}
	return sum
}

// answers returns how many answers there were by where they came from: those of
// the ladders' steps, and those that the services gave.
func (a *Agent) answers() map[transport.Source]uint64 {
	all := make(map[transport.Source]uint64)
	for p := range a.setup.Load().policies {
		for source, n := range p.ladder.Answers() {
			all[source] += n
		}
	}
	if n := a.stats.Traffic().Succeeded; n > 0 {
		all[transport.SourceOrigin] += n
	}
	return all
}
