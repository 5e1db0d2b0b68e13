package telemetry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

func TestObserversTellWhatTheyAreShown(t *testing.T) {
	l := listen(t)
	o := telemetry.Observers{
		MeterProvider: l.metrics,
		Circuits: func() []transport.Circuit {
			return []transport.Circuit{{Key: "a", State: transport.Open, Failures: 5, Rejected: 7}, {Key: "b", Failures: 1}}
		},
		Budgets: func() []transport.BudgetState { return []transport.BudgetState{{Key: "a", Left: 3}} },
		Cache: func() transport.CacheState {
			return transport.CacheState{Entries: 1, Bytes: 2, Max: 3, Hits: 4, Misses: 5, Stored: 6, Evicted: 7, Errors: 8}
		},
		Ladders: func() []transport.LadderState {
			return []transport.LadderState{{Ladder: "users", Key: "a", Level: transport.Degraded}}
		},
		Traffic: func() transport.Traffic {
			return transport.Traffic{
				InFlight:    6,
				Window:      transport.Window{Total: 10, Failed: 1, P50: time.Second, P95: 2 * time.Second, P99: 3 * time.Second},
				Consecutive: map[string]int{"a": 2, "b": 4},
			}
		},
		Health: func() []telemetry.Check { return []telemetry.Check{{Name: "disk_usage", Status: "warning"}} },
	}
	unregister, err := o.Register()
	if err != nil {
		t.Fatal(err)
	}
	for metric, want := range map[string][]string{
		"safetrip.circuits": {"safetrip.circuit.state=closed 1", "safetrip.circuit.state=half-open 0", "safetrip.circuit.state=open 1"},
		"safetrip.circuit.state": {
			"safetrip.circuit.key=a safetrip.circuit.state=closed 0", "safetrip.circuit.key=a safetrip.circuit.state=half-open 0",
			"safetrip.circuit.key=a safetrip.circuit.state=open 1", "safetrip.circuit.key=b safetrip.circuit.state=closed 1",
			"safetrip.circuit.key=b safetrip.circuit.state=half-open 0", "safetrip.circuit.key=b safetrip.circuit.state=open 0",
		},
		"safetrip.circuit.failures":  {"safetrip.circuit.key=a 5", "safetrip.circuit.key=b 1"},
		"safetrip.circuit.rejected":  {"safetrip.circuit.key=a 7", "safetrip.circuit.key=b 0"},
		"safetrip.retry.budget.left": {"safetrip.key=a 3"},
		"safetrip.cache.entries":     {"1"}, "safetrip.cache.size": {"2"}, "safetrip.cache.limit": {"3"}, "safetrip.cache.hits": {"4"},
		"safetrip.cache.misses": {"5"}, "safetrip.cache.stored": {"6"}, "safetrip.cache.evicted": {"7"}, "safetrip.cache.errors": {"8"},
		"safetrip.ladder.level": {
			"safetrip.key=a safetrip.ladder=users safetrip.level=degraded 1", "safetrip.key=a safetrip.ladder=users safetrip.level=full 0",
			"safetrip.key=a safetrip.ladder=users safetrip.level=offline 0",
		},
		"safetrip.call.active":                  {"6"},
		"safetrip.traffic.error_rate":           {"0.1"},
		"safetrip.traffic.latency":              {"safetrip.quantile=0.5 1", "safetrip.quantile=0.95 2", "safetrip.quantile=0.99 3"},
		"safetrip.traffic.consecutive_failures": {"4"},
		"safetrip.health.status": {
			"safetrip.health.check=disk_usage safetrip.health.status=critical 0", "safetrip.health.check=disk_usage safetrip.health.status=healthy 0",
			"safetrip.health.check=disk_usage safetrip.health.status=warning 1",
		},
	} {
		expect(t, l, metric, want...)
	}
	l.check() // while there is something to check
	if err := unregister(); err != nil {
		t.Fatal(err)
	}
	if left := l.collect(); len(left) != 0 {
		t.Errorf("after unregistering there are still %d metrics", len(left))
	}
}

func TestOfManyCircuitsTheWorstAreTold(t *testing.T) {
	l := listen(t)
	var circuits []transport.Circuit
	for i := range 5_000 {
		circuits = append(circuits, transport.Circuit{Key: fmt.Sprintf("host %04d", i)})
	}
	circuits[4_000].State, circuits[4_001].State, circuits[4_002].Failures = transport.Open, transport.HalfOpen, 3
	_, err := telemetry.Observers{MeterProvider: l.metrics, Agent: "billing", Circuits: func() []transport.Circuit { return circuits }, MaxKeys: 4}.Register()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(l.series("safetrip.circuit.failures"), ", "); got !=
		"safetrip.agent=billing safetrip.circuit.key=host 0000 0, safetrip.agent=billing safetrip.circuit.key=host 4000 0, "+
			"safetrip.agent=billing safetrip.circuit.key=host 4001 0, safetrip.agent=billing safetrip.circuit.key=host 4002 3" {
		t.Errorf("told are %s", got)
	}
	expect(t, l, "safetrip.circuits", "safetrip.agent=billing safetrip.circuit.state=closed 4998",
		"safetrip.agent=billing safetrip.circuit.state=half-open 1", "safetrip.agent=billing safetrip.circuit.state=open 1")
}

func TestTwoAgentsDoNotGetInEachOthersWay(t *testing.T) {
	l := listen(t)
	for i, name := range []string{"billing", "search"} {
		_, err := telemetry.Observers{MeterProvider: l.metrics, Agent: name, Cache: func() transport.CacheState {
			return transport.CacheState{Entries: i + 1}
		}}.Register()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect(t, l, "safetrip.cache.entries", "safetrip.agent=billing 1", "safetrip.agent=search 2")
}
