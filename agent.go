package safetrip

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

// An Agent is the whole kit under one name: a transport that survives, and a
// health page that says how it is doing. All methods may be called
// concurrently.
type Agent struct {
	name   string
	chain  http.RoundTripper
	health *healthz.Monitor
	stats  transport.Stats
	ladder *fallback.Ladder
	config Config

	stop      context.CancelFunc // ends the background work
	work      sync.WaitGroup
	unobserve func() error // takes the Agent's gauges away
}

// New returns an Agent with the given name, which appears in logs and on the
// health page. It starts the Agent's checks; call [Agent.Close] to end them.
//
// An error names every setting out of its bounds.
func New(name string, cfg Config) (*Agent, error) {
	err := cfg.Validate()
	if name == "" {
		err = errors.Join(errors.New("safetrip: the name of an Agent must not be empty"), err)
	}
	if err != nil {
		return nil, err
	}
	cfg.Logger = cfg.logger().With(slog.String("agent", name))
	a := &Agent{name: name, config: cfg.withDefaults()}
	a.ladder = &fallback.Ladder{
		Name:       name,
		Steps:      append([]fallback.Step{a.config.Cache.Step()}, a.config.Steps...),
		Classifier: a.config.Classifier,
	}
	a.chain = transport.Chain(a.config.Base, a.layers()...)
	a.health = a.monitor()
	if err := a.observe(); err != nil {
		return nil, err
	}
	a.start()
	return a, nil
}

// layers is the onion, from the outside in. What concerns the call stands
// outside of what concerns one attempt.
func (a *Agent) layers() []transport.Middleware {
	c := &a.config
	var l onion
	l.add(c.on(Telemetry), c.Call.Wrap)
	l.add(true, c.PerCall...)
	l.add(c.on(Fallback), a.ladder.Wrap, c.Cache.Wrap)
	l.add(c.on(Recording), transport.Record{Stats: &a.stats, Logger: c.Logger, Classifier: c.Classifier}.Wrap)
	l.add(true, c.Deadline.Wrap)
	l.add(c.on(Retry), c.Retry.Wrap)
	if c.Buffer != nil {
		l.add(true, c.Buffer.Wrap)
	}
	l.add(c.on(Breaker), c.Breaker.Wrap)
	l.add(true, c.Limit.Wrap)
	l.add(c.on(Timeout), c.Timeout.Wrap)
	l.add(true, c.PerAttempt...)
	l.add(c.on(Telemetry), c.Attempt.Wrap)
	return l
}

// An onion is a list of layers, the outermost first.
type onion []transport.Middleware

// add appends layers, if they are on.
func (o *onion) add(on bool, layers ...transport.Middleware) {
	if on {
		*o = append(*o, layers...)
	}
}

// Client returns a new [http.Client] whose Transport is the Agent's. Set its
// other fields, such as Timeout and Jar, as for any client.
func (a *Agent) Client() *http.Client { return &http.Client{Transport: a.chain} }

// Transport returns the Agent's transport, for a client that you have already.
func (a *Agent) Transport() http.RoundTripper { return a.chain }

// Close ends the Agent's background work and waits for it. Calls in flight and
// new ones still pass. A second Close does nothing.
func (a *Agent) Close() error {
	a.stop()
	a.work.Wait()
	return a.unobserve()
}
