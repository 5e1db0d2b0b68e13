// Package hystrix runs the kit's circuits on afex/hystrix-go, for programs that
// have its dashboard and collectors:
//
//	breaker := transport.Breaker{Engine: &hystrix.Engine{
//		Command: hystrixgo.CommandConfig{ErrorPercentThreshold: 50},
//	}}
//
// It drives hystrix-go by GetCircuit, AllowRequest and ReportEvent. Its Do,
// with its two goroutines a call and its timeout that leaves work behind, is
// not used. Commands are named by circuit, such as "https://api.example.com",
// and show under that name in hystrix-go's stream and collectors.
//
// # Limits
//
// They are hystrix-go's, and the reason why the kit's own rules are the
// default:
//
//   - A circuit opens by hystrix's rule alone: a share of errors over ten
//     seconds, above a volume. One good probe closes it.
//   - Each name costs 25 KB and two goroutines that nothing ends. Names past
//     MaxNames share one circuit, "other".
//   - Its settings and circuits are global to the process: two Engines with the
//     same names share them.
//   - At more than some ten thousand calls a second a circuit, it drops events.
package hystrix

import (
	"sync"
	"time"

	hystrixgo "github.com/afex/hystrix-go/hystrix"
	"github.com/safetrip-go/safetrip/transport"
)

// An Engine is a [transport.Engine] on hystrix-go. The zero value is ready to
// use. Its fields are read at the first call for a name. All methods may be
// called concurrently.
type Engine struct {
	// Command is the configuration of each circuit: of it RequestVolumeThreshold
	// (20), SleepWindow (5,000 ms) and ErrorPercentThreshold (50) matter here.
	// Zero fields have hystrix-go's defaults, in brackets.
	Command hystrixgo.CommandConfig

	// MaxNames bounds how many names get a circuit of their own. If zero or
	// negative, it is 100.
	MaxNames int

	mu    sync.RWMutex // guards names
	names map[string]*hystrixgo.CircuitBreaker
}

// Other is the name of the circuit that names past MaxNames share.
const Other = "other"

func (e *Engine) circuit(key string) *hystrixgo.CircuitBreaker {
	e.mu.RLock()
	c := e.names[key]
	if c == nil && len(e.names) >= e.maxNames() {
		c = e.names[Other]
	}
	e.mu.RUnlock()
	if c != nil {
		return c
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.names == nil {
		e.names = make(map[string]*hystrixgo.CircuitBreaker)
	}
	if len(e.names) >= e.maxNames() {
		key = Other
	}
	if c := e.names[key]; c != nil {
		return c
	}
	hystrixgo.ConfigureCommand(key, e.Command)
	c, _, _ = hystrixgo.GetCircuit(key) // its error is always nil
	e.names[key] = c
	return c
}

func (e *Engine) maxNames() int {
	if e.MaxNames <= 0 {
		return 100
	}
	return e.MaxNames
}

// Allow asks hystrix-go.
func (e *Engine) Allow(key string) bool { return e.circuit(key).AllowRequest() }

// State asks hystrix-go.
func (e *Engine) State(key string) transport.State {
	if e.circuit(key).IsOpen() {
		return transport.Open
	}
	return transport.Closed
}

// Report tells hystrix-go. An event that its queue has no place for is lost, to
// hystrix-go's rule and dashboard.
func (e *Engine) Report(key string, r transport.Result) {
	event := "success"
	switch {
	case r.Refused:
		event = "short-circuit"
	case r.TimedOut:
		event = "timeout"
	case r.Failed:
		event = "failure"
	}
	if r.Began.IsZero() {
		r.Began = time.Now()
	}
	_ = e.circuit(key).ReportEvent([]string{event}, r.Began, r.Took)
}
