package safetrip

import (
	"cmp"
	"context"
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
	case c.Health == nil && before.ownHealth && c.unused() == before.config.unused(),
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
		m.Alerts.Sinks = []healthz.Sink{a.logAlert}
	}
	s, unused := &m.Sources, c.unused()
	if s.Traffic == nil && unused&Recording == 0 {
		s.Traffic = a.stats.Traffic
	}
	if s.Circuits == nil && unused&Breaker == 0 {
		s.Circuits = a.circuits
	}
	if s.Budgets == nil && unused&Retry == 0 {
		s.Budgets = a.budgets
	}
	if unused&Fallback == 0 {
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
	m.OnAlert() // adds none, but reads the fields: another Agent that has m may write them before it runs
	return m
}

// logAlert tells the logger that is the Agent's by now.
func (a *Agent) logAlert(ctx context.Context, alert healthz.Alert) {
	healthz.Log(a.setup.Load().logger)(ctx, alert)
}

// unused returns the parts that neither the Agent nor one of its services has.
func (c *Config) unused() Part {
	parts := c.Disable
	for _, s := range c.Services {
		parts &= s.Disable
	}
	return parts
}
