package telemetry

import (
	"context"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/safetrip-go/safetrip/transport"
)

// Observers are functions that metrics are read from when they are collected:
// for what is not in a call's path. Set those that you have, then Register.
// Each is the method of something that the kit has, such as
// (*transport.Breaker).States; it must be safe for concurrent use and quick.
type Observers struct {
	// MeterProvider makes the metrics. If nil, it is the global one, also when
	// that is set later.
	MeterProvider metric.MeterProvider

	// Agent, if not "", is told on every metric as safetrip.agent. Name it
	// where one program has several sets of Observers, or they write to the
	// same series.
	Agent string

	Circuits func() []transport.Circuit     // safetrip.circuit.*; nil: none
	Budgets  func() []transport.BudgetState // safetrip.retry.budget.left; nil: none
	Cache    func() transport.CacheState    // safetrip.cache.*; nil: none
	Ladders  func() []transport.LadderState // safetrip.ladder.level; nil: none
	Traffic  func() transport.Traffic       // safetrip.traffic.* and safetrip.call.active; nil: none
	Health   func() []Check                 // safetrip.health.status; nil: none

	// MaxKeys bounds how many circuits, budgets and ladder keys, each, are
	// told one by one; those that are worst off come first. If zero, it is
	// 100; if negative, none are. The metric safetrip.circuits counts all
	// circuits, whatever this is.
	MaxKeys int
}

// A Check is the status of one health check: healthy, warning or critical.
type Check struct {
	Name   string
	Status string
}

// Register makes the metrics, and returns a function that takes them away
// again.
func (o Observers) Register() (unregister func() error, err error) {
	if o.MaxKeys == 0 {
		o.MaxKeys = defaultMaxHosts
	}
	o.MaxKeys = max(0, o.MaxKeys)
	g := gauges{meter: newMeter(o.MeterProvider), maxKeys: o.MaxKeys}
	if o.Agent != "" {
		g.agent = []attribute.KeyValue{agentKey.String(o.Agent)}
	}
	for _, add := range []func(Observers){g.circuits, g.budgets, g.cache, g.ladders, g.traffic, g.health} {
		add(o)
	}
	if err := g.err(); err != nil {
		return nil, fmt.Errorf("telemetry: Observers: %w", err)
	}
	return g.register()
}

const agentKey = attribute.Key("safetrip.agent")

// gauges are instruments and what is observed for them.
type gauges struct {
	*meter
	agent       []attribute.KeyValue
	maxKeys     int
	instruments []metric.Observable
	callbacks   []func(metric.Observer)
}

// gauge makes an instrument for a value that goes up and down.
func (g *gauges) gauge(name, unit, description string) metric.Int64ObservableUpDownCounter {
	i, err := g.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	g.keep(i, err)
	return i
}

// total makes an instrument for a value that goes up only.
func (g *gauges) total(name, unit, description string) metric.Int64ObservableCounter {
	i, err := g.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	g.keep(i, err)
	return i
}

// reading makes an instrument for a measured value, which cannot be added up.
func (g *gauges) reading(name, unit, description string) metric.Float64ObservableGauge {
	i, err := g.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	g.keep(i, err)
	return i
}

func (g *gauges) keep(i metric.Observable, err error) {
	g.instruments = append(g.instruments, i)
	if err != nil {
		g.errs = append(g.errs, err)
	}
}

// with returns attrs and the agent's name.
func (g *gauges) with(attrs ...attribute.KeyValue) metric.MeasurementOption {
	return setOf(attrs, g.agent...)
}

// one reports 1 for the state that something is in and 0 for the others, as
// the conventions tell states: a sum over any of them is a number of things.
func (g *gauges) one(o metric.Observer, i metric.Int64Observable, key attribute.Key, states []string, now string, attrs ...attribute.KeyValue) {
	for _, s := range states {
		n := int64(0)
		if s == now {
			n = 1
		}
		o.ObserveInt64(i, n, g.with(append(slices.Clip(attrs), key.String(s))...))
	}
}

func (g *gauges) register() (func() error, error) {
	r, err := g.RegisterCallback(g.observe, g.instruments...)
	if err != nil {
		return nil, fmt.Errorf("telemetry: Observers: %w", err)
	}
	return r.Unregister, nil
}

func (g *gauges) observe(_ context.Context, o metric.Observer) error {
	for _, f := range g.callbacks {
		f(o)
	}
	return nil
}
