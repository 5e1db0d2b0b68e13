package safetrip

import (
	"cmp"
	"net/http"

	"github.com/safetrip-go/safetrip/healthz"
)

// Healthz returns the handler that says how the Agent is doing: JSON for
// machines, text for operators, a live page for people. Mount it at /healthz,
// at /healthz/ for single checks (/healthz/NAME), and at /livez and /readyz if
// an orchestrator probes those.
//
// Who may see more than names and statuses, [healthz.Monitor.Detail] decides.
func (a *Agent) Healthz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.setup.Load().health.ServeHTTP(w, r) })
}

// Report returns what Healthz shows, in full, as a value.
func (a *Agent) Report() healthz.Report { return a.setup.Load().health.Report() }

// monitor returns the Monitor of a Config. Where it can, the one of before goes
// on; otherwise what is nil in it is wired to the Agent.
func (a *Agent) monitor(c *Config, before *setup) *healthz.Monitor {
	switch {
	case c.Health == nil && before.ownHealth && c.Disable == before.config.Disable,
		c.Health != nil && c.Health == before.health:
		return before.health
	case c.Health == nil:
		return a.wire(c, new(healthz.Monitor))
	}
	return a.wire(c, c.Health)
}

func (a *Agent) wire(c *Config, m *healthz.Monitor) *healthz.Monitor {
	m.Name = cmp.Or(m.Name, a.name)
	m.Logger = cmp.Or(m.Logger, c.Logger)
	if m.Classifier == nil {
		m.Classifier = c.Classifier
	}
	if m.Alerts.Sinks == nil {
		m.Alerts.Sinks = []healthz.Sink{healthz.Log(c.Logger)}
	}
	s := &m.Sources
	if s.Traffic == nil && c.on(Recording) {
		s.Traffic = a.stats.Traffic
	}
	if s.Circuits == nil && c.on(Breaker) {
		s.Circuits = a.circuits
	}
	if s.Budgets == nil && c.on(Retry) {
		s.Budgets = a.budgets
	}
	if c.on(Fallback) {
		if s.Ladders == nil {
			s.Ladders = a.levels
		}
		if s.Caches == nil {
			s.Caches = a.cacheStates
		}
		if s.Answers == nil {
			s.Answers = a.answers
		}
	}
	return m
}
