package safetrip

import (
	"context"
	"log/slog"
	"sync"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// observe registers metrics for what is not in a call's path: circuits,
// budgets, caches, levels, traffic, the status of checks. It returns what takes
// them away again.
func (a *Agent) observe(c *Config) (unobserve func() error, err error) {
	if !c.on(Telemetry) {
		return func() error { return nil }, nil
	}
	o := telemetry.Observers{MeterProvider: c.Call.MeterProvider, Agent: a.name}
	unused := c.unused()
	if unused&Breaker == 0 {
		o.Circuits = a.circuits
	}
	if unused&Retry == 0 {
		o.Budgets = a.budgets
	}
	if unused&Fallback == 0 {
		o.Cache, o.Ladders = a.cacheState, a.levels
	}
	if unused&Recording == 0 {
		o.Traffic = a.stats.Traffic
	}
	if c.on(Health) {
		o.Health = a.checks
	}
	unregister, err := o.Register()
	return sync.OnceValue(unregister), err
}

// checks returns the status of each check for telemetry, which does not know
// package healthz.
func (a *Agent) checks() []telemetry.Check {
	reports := a.Report().Checks
	checks := make([]telemetry.Check, 0, len(reports))
	for _, c := range reports {
		checks = append(checks, telemetry.Check{Name: c.Name, Status: c.Health.String()})
	}
	return checks
}

// tellChanges returns a hook that logs and counts what circuits do.
func (c *Config) tellChanges() func(transport.Change) {
	count := func(transport.Change) {}
	if c.on(Telemetry) {
		count = telemetry.CircuitChanges(c.Call.MeterProvider)
	}
	log := c.Logger
	return func(change transport.Change) {
		count(change)
		level := slog.LevelInfo
		if change.To == transport.Open {
			level = slog.LevelError
		}
		log.LogAttrs(context.Background(), level, "circuit changed",
			slog.String("circuit", change.Key),
			slog.String("from", change.From.String()),
			slog.String("to", change.To.String()),
			slog.Duration("open_for", change.OpenFor))
	}
}
