package safetrip

import (
	"sync"

	"github.com/safetrip-go/safetrip/telemetry"
)

// observe registers metrics for what is not in a call's path: circuits,
// budgets, the cache, levels, traffic, the status of checks.
func (a *Agent) observe() error {
	a.unobserve = func() error { return nil }
	if !a.config.on(Telemetry) {
		return nil
	}
	o := telemetry.Observers{MeterProvider: a.config.Call.MeterProvider, Agent: a.name}
	if a.config.on(Breaker) {
		o.Circuits = a.config.Breaker.States
	}
	if a.config.on(Retry) {
		o.Budgets = a.config.Retry.Budget.States
	}
	if a.config.on(Fallback) {
		o.Cache, o.Ladders = a.config.Cache.State, a.ladder.States
	}
	if a.config.on(Recording) {
		o.Traffic = a.stats.Traffic
	}
	if a.config.on(Health) {
		o.Health = a.checks
	}
	unregister, err := o.Register()
	if err != nil {
		return err
	}
	a.unobserve = sync.OnceValue(unregister)
	return nil
}

// checks returns the status of each check for telemetry, which does not know
// package healthz.
func (a *Agent) checks() []telemetry.Check {
	reports := a.health.Report().Checks
	checks := make([]telemetry.Check, 0, len(reports))
	for _, c := range reports {
		checks = append(checks, telemetry.Check{Name: c.Name, Status: c.Health.String()})
	}
	return checks
}
