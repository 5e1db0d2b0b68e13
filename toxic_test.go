package safetrip_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/transport/rttest"
)

// bothWays is a toxic in each direction.
func bothWays(kind string, attributes map[string]int) []toxic {
	return []toxic{{kind, toServer, attributes}, {kind, toClient, attributes}}
}

// benign are the toxics under which a connection is worse than before, and
// still one: they break no rule of the contract.
var benign = map[string][]toxic{
	"latency":    bothWays("latency", map[string]int{"latency": 3, "jitter": 2}),
	"bandwidth":  bothWays("bandwidth", map[string]int{"rate": 20_000}),
	"slicer":     bothWays("slicer", map[string]int{"average_size": 64, "size_variation": 32}),
	"slow_close": bothWays("slow_close", map[string]int{"delay": 20}),
}

// notThroughAProxy are the rules that are left out: those that make no
// connection, and one that would measure the proxy.
func notThroughAProxy() map[string]string {
	omit := map[string]string{"large-over-connection": "200 MB through a proxy say how fast the proxy is"}
	for _, r := range rttest.Rules() {
		if r.Memory {
			omit[r.Name] = "it makes no connection"
		}
	}
	return omit
}

func TestTheDefaultAgentKeepsTheContractOverBadConnections(t *testing.T) {
	t.Parallel()
	p := startToxiproxy(t)
	var all sync.WaitGroup // they spend their time waiting, so all of them at once
	defer all.Wait()
	for name, toxics := range benign {
		for protocol, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
			suite := rttest.Suite{HTTP2: http2, Dial: p.dialer(t.Context(), toxics...), Omit: notThroughAProxy()}
			all.Go(func() {
				for _, v := range suite.Check(func(base http.RoundTripper) http.RoundTripper { return quickAgent(t, base) }) {
					t.Errorf("%s over %s: %s: %s", name, protocol, v.Rule, v.Found)
				}
			})
		}
	}
}

// quickAgent is a default Agent's transport that does not wait long.
func quickAgent(t *testing.T, base http.RoundTripper) http.RoundTripper {
	cfg := quiet()
	cfg.Base = base
	cfg.Retry.BaseDelay = time.Millisecond
	cfg.Retry.MaxHint = time.Millisecond
	return newAgent(t, cfg).Transport()
}
