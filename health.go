package safetrip

import (
	"context"
	"errors"
	"net/http"

	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

// Healthz returns the handler that says how the Agent is doing: JSON for
// machines, text for operators, a live page for people. Mount it at /healthz,
// and at /livez and /readyz if an orchestrator probes those.
//
// Who may see more than names and statuses, [healthz.Monitor.Detail] decides.
func (a *Agent) Healthz() http.Handler { return a.health }

// Report returns what Healthz shows, in full, as a value.
func (a *Agent) Report() healthz.Report { return a.health.Report() }

// monitor returns the Agent's Monitor with what is nil in it wired to the
// Agent.
func (a *Agent) monitor() *healthz.Monitor {
	m := a.config.Health
	if m.Name == "" {
		m.Name = a.name
	}
	if m.Logger == nil {
		m.Logger = a.config.Logger
	}
	if m.Alerts.Sinks == nil {
		m.Alerts.Sinks = []healthz.Sink{healthz.Log(a.config.Logger)}
	}
	s := &m.Sources
	if s.Traffic == nil && a.config.on(Recording) {
		s.Traffic = a.stats.Traffic
	}
	if s.Circuits == nil && a.config.on(Breaker) {
		s.Circuits = a.config.Breaker.States
	}
	if s.Budgets == nil && a.config.on(Retry) {
		s.Budgets = a.config.Retry.Budget.States
	}
	if a.config.on(Fallback) {
		if s.Ladders == nil {
			s.Ladders = a.ladder.States
		}
		if s.Caches == nil {
			s.Caches = func() []transport.CacheState { return []transport.CacheState{a.config.Cache.State()} }
		}
		if s.Answers == nil {
			s.Answers = a.answers
		}
	}
	return m
}

// answers returns how many answers there were by where they came from: those of
// the ladder's steps, and those that the service gave.
func (a *Agent) answers() map[transport.Source]uint64 {
	all := a.ladder.Answers()
	if all == nil {
		all = make(map[transport.Source]uint64, 1)
	}
	if n := a.stats.Traffic().Succeeded; n > 0 {
		all[transport.SourceOrigin] += n
	}
	return all
}

// start begins the background work, which Close ends.
func (a *Agent) start() {
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	if a.config.on(Health) {
		a.work.Go(func() { a.finish("health checks", a.health.Run(ctx)) })
	}
	if a.config.on(Fallback) {
		a.work.Go(func() { a.finish("revalidation", a.config.Cache.Run(ctx)) })
	}
}

// finish logs background work that ended otherwise than by Close.
func (a *Agent) finish(work string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		a.config.Logger.Warn("background work ended", "work", work, "error", err)
	}
}
