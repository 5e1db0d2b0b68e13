package safetrip_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/chaos"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// wrappers has every wrapper of the kit, made anew for each chain, with what
// waits made short.
var wrappers = map[string]func() transport.Middleware{
	"Call":   func() transport.Middleware { return telemetry.Call{}.Wrap },
	"Ladder": func() transport.Middleware { return new(fallback.Ladder).Wrap },
	"Cache":  func() transport.Middleware { return new(fallback.Cache).Wrap },
	"Record": func() transport.Middleware { return transport.Record{Stats: new(transport.Stats)}.Wrap },
	"Deadline": func() transport.Middleware {
		return transport.Deadline{Total: time.Minute}.Wrap
	},
	"Retry": func() transport.Middleware {
		return transport.Retry{BaseDelay: time.Millisecond, MaxHint: time.Millisecond}.Wrap
	},
	"Buffer":  func() transport.Middleware { return transport.Buffer{MaxBytes: 64 << 10}.Wrap },
	"Breaker": func() transport.Middleware { return new(transport.Breaker).Wrap },
	"Limit":   func() transport.Middleware { return transport.Limit{Concurrency: 1000}.Wrap },
	"Timeout": func() transport.Middleware {
		return transport.Timeout{Headers: time.Minute, Idle: time.Minute}.Wrap
	},
	"Attempt": func() transport.Middleware { return telemetry.Attempt{}.Wrap },
	"chaos":   func() transport.Middleware { return new(chaos.Injector).Wrap },
}

// omitted returns the rules that are not tried on a pair.
func omitted(outer, inner string) map[string]string {
	omit := map[string]string{
		"large-response": "memory is measured on each wrapper alone: here many run at once",
		"large-upload":   "memory is measured on each wrapper alone: here many run at once",
	}
	if outer == "Buffer" || inner == "Buffer" {
		omit["response-unread"] = "Buffer reads small bodies ahead"
		omit["close-ends-read"] = "Buffer reads small bodies ahead"
	}
	return omit
}

func TestEveryPairOfWrappersKeepsTheContract(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(wrappers))
	for _, outer := range names {
		for _, inner := range names {
			t.Run(outer+" around "+inner, func(t *testing.T) {
				t.Parallel()
				suite := rttest.Suite{Memory: true, Omit: omitted(outer, inner)}
				for _, v := range suite.Check(func(base http.RoundTripper) http.RoundTripper {
					return transport.Chain(base, wrappers[outer](), wrappers[inner]())
				}) {
					t.Errorf("%s: %s", v.Rule, v.Found)
				}
			})
		}
	}
}
