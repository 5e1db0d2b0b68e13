package main

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

// The kit: single layers, and what safetrip.New puts together.
var (
	kitRetry = contender{
		name: "safetrip Retry", does: "retry", ours: true, can: retries,
		wrap: func(base http.RoundTripper, s setting) http.RoundTripper { return kitPolicy(s).Wrap(base) },
	}
	kitBreaker = contender{
		name: "safetrip Breaker", does: "circuit per host", ours: true, can: breaks | breaksEach,
		wrap: func(base http.RoundTripper, s setting) http.RoundTripper { return kitCircuits(s).Wrap(base) },
	}
	kitChain = contender{
		name: "safetrip chain", does: "ladder, cache, record, retry, circuit per host", ours: true, can: retries | breaks | breaksEach,
		wrap: kit(safetrip.Telemetry | safetrip.Timeout),
	}
	kitTimed = contender{
		name: "safetrip chain, Timeout", does: "the same, timeout per attempt", ours: true, can: retries | breaks,
		wrap: kit(safetrip.Telemetry),
	}
	kitAgent = contender{
		name: "safetrip Agent", does: "the same, telemetry (no SDK)", ours: true, can: retries | breaks,
		wrap: kit(0),
	}
)

// kit returns an Agent's transport without some of its parts, and without its
// checks: these run beside the calls, not in them.
func kit(disable safetrip.Part) func(http.RoundTripper, setting) http.RoundTripper {
	return func(base http.RoundTripper, s setting) http.RoundTripper {
		agent, err := safetrip.New("compare", safetrip.Config{
			Base:    base,
			Retry:   kitPolicy(s),
			Breaker: kitCircuits(s),
			Logger:  slog.New(slog.DiscardHandler),
			Disable: disable | safetrip.Health,
		})
		if err != nil {
			panic(fmt.Sprintf("these settings are constants: %v", err))
		}
		rt := agent.Transport()
		return agentTransport{around{rt, rt.RoundTrip}, agent.Close}
	}
}

// An agentTransport is a transport that ends its Agent with it.
type agentTransport struct {
	around
	end func() error
}

// Close ends what the Agent does in the background.
func (a agentTransport) Close() error { return a.end() }

func kitPolicy(s setting) transport.Retry {
	retry := transport.Retry{MaxAttempts: attempts}
	if s.hasty {
		retry.BaseDelay, retry.Budget = -1, &transport.Budget{Ratio: -1}
	}
	return retry
}

// kitCircuits are set so that the 503s of a hasty workload, of which two are
// taken back by each success, do not open them.
func kitCircuits(s setting) *transport.Breaker {
	switch {
	case s.brittle:
		return &transport.Breaker{FailureThreshold: 1, OpenFor: anHour}
	case s.hasty:
		return &transport.Breaker{FailureThreshold: 1 << 30}
	}
	return new(transport.Breaker)
}
