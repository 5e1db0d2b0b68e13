package telemetry

import (
	"cmp"
	"maps"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/safetrip-go/safetrip/transport"
)

// What is observed, thing by thing. Each function makes the instruments of one
// and says how they are read.

const (
	ladderKey   = attribute.Key("safetrip.ladder")        // the name of a fallback ladder
	keyKey      = attribute.Key("safetrip.key")           // what it, or a budget, is kept apart by
	checkKey    = attribute.Key("safetrip.health.check")  // the name of a health check
	statusKey   = attribute.Key("safetrip.health.status") // healthy, warning or critical
	quantileKey = attribute.Key("safetrip.quantile")      // 0.5, 0.95 or 0.99
)

var (
	circuitStates  = []string{transport.Closed.String(), transport.Open.String(), transport.HalfOpen.String()}
	ladderLevels   = []string{transport.Full.String(), transport.Degraded.String(), transport.Offline.String()}
	healthStatuses = []string{"healthy", "warning", "critical"}
)

func (g *gauges) circuits(from Observers) {
	if from.Circuits == nil {
		return
	}
	all := g.gauge("safetrip.circuits", "{circuit}", "Number of circuits in each state.")
	state := g.gauge("safetrip.circuit.state", "{circuit}", "1 for the state that a circuit is in, 0 for the others.")
	failures := g.gauge("safetrip.circuit.failures", "{failure}", "Failures that count towards opening a circuit.")
	rejected := g.total("safetrip.circuit.rejected", "{call}", "Number of calls that a circuit refused.")
	g.callbacks = append(g.callbacks, func(o metric.Observer) {
		circuits := from.Circuits()
		number := map[string]int64{}
		for _, c := range circuits {
			number[c.State.String()]++
		}
		for _, s := range circuitStates {
			o.ObserveInt64(all, number[s], g.with(stateKey.String(s)))
		}
		for _, c := range worstFirst(circuits, g.maxKeys, circuitOrder) {
			key := circuitKey.String(c.Key)
			g.one(o, state, stateKey, circuitStates, c.State.String(), key)
			o.ObserveInt64(failures, int64(c.Failures), g.with(key))
			o.ObserveInt64(rejected, int64(c.Rejected), g.with(key))
		}
	})
}

// circuitOrder puts open circuits first, then half-open ones, then those that
// are closest to opening.
func circuitOrder(a, b transport.Circuit) int {
	rank := [...]int{transport.Open: 0, transport.HalfOpen: 1, transport.Closed: 2}
	return cmp.Or(
		cmp.Compare(rank[a.State%3], rank[b.State%3]),
		cmp.Compare(b.Failures, a.Failures),
		cmp.Compare(a.Key, b.Key),
	)
}

func (g *gauges) budgets(from Observers) {
	if from.Budgets == nil {
		return
	}
	left := g.gauge("safetrip.retry.budget.left", "{retry}", "Number of retries that would be granted now.")
	g.callbacks = append(g.callbacks, func(o metric.Observer) {
		least := func(a, b transport.BudgetState) int {
			return cmp.Or(cmp.Compare(a.Left, b.Left), cmp.Compare(a.Key, b.Key))
		}
		for _, b := range worstFirst(from.Budgets(), g.maxKeys, least) {
			o.ObserveInt64(left, int64(b.Left), g.with(keyKey.String(b.Key)))
		}
	})
}

func (g *gauges) cache(from Observers) {
	if from.Cache == nil {
		return
	}
	entries := g.gauge("safetrip.cache.entries", "{entry}", "Number of items in the store; a response takes two.")
	size := g.gauge("safetrip.cache.size", "By", "Size of the stored responses.")
	limit := g.gauge("safetrip.cache.limit", "By", "Size that the stored responses may reach.")
	hits := g.total("safetrip.cache.hits", "{lookup}", "Number of lookups that found a response to serve.")
	misses := g.total("safetrip.cache.misses", "{lookup}", "Number of lookups that found none.")
	stored := g.total("safetrip.cache.stored", "{entry}", "Number of responses that were stored.")
	evicted := g.total("safetrip.cache.evicted", "{entry}", "Number of items dropped from the store to make room.")
	failed := g.total("safetrip.cache.errors", "{error}", "Number of times that the store failed.")
	g.callbacks = append(g.callbacks, func(o metric.Observer) {
		c, with := from.Cache(), g.with()
		o.ObserveInt64(entries, int64(c.Entries), with)
		o.ObserveInt64(size, c.Bytes, with)
		o.ObserveInt64(limit, c.Max, with)
		o.ObserveInt64(hits, int64(c.Hits), with)
		o.ObserveInt64(misses, int64(c.Misses), with)
		o.ObserveInt64(stored, int64(c.Stored), with)
		o.ObserveInt64(evicted, int64(c.Evicted), with)
		o.ObserveInt64(failed, int64(c.Errors), with)
	})
}

func (g *gauges) ladders(from Observers) {
	if from.Ladders == nil {
		return
	}
	level := g.gauge("safetrip.ladder.level", "{ladder}", "1 for the level that a fallback ladder is on, 0 for the others.")
	g.callbacks = append(g.callbacks, func(o metric.Observer) {
		lowest := func(a, b transport.LadderState) int {
			return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.Ladder, b.Ladder), cmp.Compare(a.Key, b.Key))
		}
		for _, l := range worstFirst(from.Ladders(), g.maxKeys, lowest) {
			g.one(o, level, levelKey, ladderLevels, l.Level.String(), ladderKey.String(l.Ladder), keyKey.String(l.Key))
		}
	})
}

func (g *gauges) traffic(from Observers) {
	if from.Traffic == nil {
		return
	}
	active := g.gauge("safetrip.call.active", "{call}", "Number of calls in flight.")
	rate := g.reading("safetrip.traffic.error_rate", "1", "Share of the window's calls that failed.")
	latency := g.reading("safetrip.traffic.latency", "s", "Response time of the window's calls, by quantile.")
	inARow := g.gauge("safetrip.traffic.consecutive_failures", "{failure}", "Failures in a row, of the operation that has most.")
	g.callbacks = append(g.callbacks, func(o metric.Observer) {
		t := from.Traffic()
		o.ObserveInt64(active, t.InFlight, g.with())
		o.ObserveFloat64(rate, t.Window.ErrorRate(), g.with())
		o.ObserveFloat64(latency, t.Window.P50.Seconds(), g.with(quantileKey.String("0.5")))
		o.ObserveFloat64(latency, t.Window.P95.Seconds(), g.with(quantileKey.String("0.95")))
		o.ObserveFloat64(latency, t.Window.P99.Seconds(), g.with(quantileKey.String("0.99")))
		most := 0
		for n := range maps.Values(t.Consecutive) {
			most = max(most, n)
		}
		o.ObserveInt64(inARow, int64(most), g.with())
	})
}

func (g *gauges) health(from Observers) {
	if from.Health == nil {
		return
	}
	status := g.gauge("safetrip.health.status", "{check}", "1 for the status that a health check has, 0 for the others.")
	g.callbacks = append(g.callbacks, func(o metric.Observer) {
		for _, c := range from.Health() {
			g.one(o, status, statusKey, healthStatuses, c.Status, checkKey.String(c.Name))
		}
	})
}

// worstFirst returns the first n of things, in the order of before, which
// must leave no two equal: which ones are shown must not change by itself.
func worstFirst[T any](things []T, n int, before func(a, b T) int) []T {
	things = slices.SortedFunc(slices.Values(things), before)
	return things[:min(n, len(things))]
}
