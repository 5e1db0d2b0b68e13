package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"github.com/safetrip-go/safetrip/transport"
)

// CircuitChanges returns a function to give to [transport.Breaker.OnChange],
// which counts the changes of circuits as safetrip.circuit.changes, by the
// state that they changed to. Snapshots cannot show them all: a circuit may
// open and close again between two. If p is nil, it is the global provider.
func CircuitChanges(p metric.MeterProvider) func(transport.Change) {
	m := newMeter(p)
	defer m.report()
	changes := m.counter("safetrip.circuit.changes", "{change}", "Number of times that circuits changed their state.")
	return func(c transport.Change) {
		changes.Add(context.Background(), 1, metric.WithAttributes(stateKey.String(c.To.String())))
	}
}
