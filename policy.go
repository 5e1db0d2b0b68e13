package safetrip

import (
	"cmp"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/internal/settings"
	"github.com/safetrip-go/safetrip/transport"
)

// A policy is one Config at work: the layers around the calls to one service,
// or around those to none in particular.
type policy struct {
	service string // its name, or ""
	config  Config // with its defaults filled in
	stats   *transport.Stats
	breaker *transport.Breaker // on the circuits of config.Breaker

	ladder      *fallback.Ladder
	substitutes *fallback.Ladder // the same levels, for work

	calls http.RoundTripper
	work  http.RoundTripper // what is not HTTP
}

// newPolicy puts c to work, whose defaults are filled in. It goes on with the
// circuits and levels of before, which may be nil.
func (a *Agent) newPolicy(service string, c Config, before *policy) *policy {
	p := &policy{service: service, config: c, stats: &a.stats}
	name := cmp.Or(service, a.name)
	p.ladder = p.newLadder(name, append([]fallback.Step{c.Cache.Step()}, c.Steps...))
	p.substitutes = p.newLadder(name, []fallback.Step{{Name: "fallback", Do: substitute}})
	if before != nil {
		c.Breaker.Inherit(before.config.Breaker)
		p.ladder.Inherit(before.ladder)
	}
	p.breaker = p.newBreaker()
	p.substitutes.Inherit(p.ladder)
	p.calls = transport.Chain(c.Base, p.aroundCalls()...)
	p.work = transport.Chain(transport.Func(perform), p.aroundWork()...)
	return p
}

// newBreaker returns what the Config's Breaker is to this policy. It has the
// same circuits, but the user's own is left as it is: it may be that of other
// services too, whose key and logger are others.
func (p *policy) newBreaker() *transport.Breaker {
	b := settings.Copy(p.config.Breaker)
	if b.Key == nil && p.service != "" {
		b.Key = oneKey(p.service)
	}
	if b.OnChange == nil {
		b.OnChange = p.config.tellChanges()
	}
	if b.Classifier == nil {
		b.Classifier = p.config.Classifier
	}
	b.Inherit(p.config.Breaker)
	return b
}

// newLadder returns a ladder for the policy. A service has one level.
func (p *policy) newLadder(name string, steps []fallback.Step) *fallback.Ladder {
	l := &fallback.Ladder{Name: name, Steps: steps, Classifier: p.config.Classifier}
	if p.service != "" {
		l.Key = oneKey(p.service)
	}
	return l
}

// oneKey returns a key function for what all requests share.
func oneKey(key string) func(*http.Request) string {
	return func(*http.Request) string { return key }
}

// aroundCalls is the onion, from the outside in. What concerns the call stands
// outside of what concerns one attempt.
func (p *policy) aroundCalls() []transport.Middleware {
	c := &p.config
	var l onion
	l.add(c.on(Telemetry), c.Call.Wrap)
	l.add(true, c.PerCall...)
	l.add(c.on(Fallback), p.ladder.Wrap, c.Cache.Wrap)
	l.add(c.on(Recording), p.record)
	l.add(true, c.Deadline.Wrap)
	l.add(c.on(Retry), c.Retry.Wrap)
	l.add(c.on(Breaker), p.breaker.Wrap)
	if c.Buffer != nil {
		l.add(true, c.Buffer.Wrap)
	}
	l.add(true, c.Limit.Wrap)
	l.add(c.on(Timeout), c.Timeout.Wrap)
	l.add(true, c.PerAttempt...)
	l.add(c.on(Telemetry), c.Attempt.Wrap)
	return l
}

// aroundWork is the onion without the layers that are of HTTP alone, in the
// order of aroundCalls.
func (p *policy) aroundWork() []transport.Middleware {
	c := &p.config
	var l onion
	l.add(c.on(Telemetry), c.Call.Wrap)
	l.add(c.on(Fallback), p.substitutes.Wrap)
	l.add(c.on(Recording), p.record)
	l.add(true, c.Deadline.Wrap)
	l.add(c.on(Retry), c.Retry.Wrap)
	l.add(c.on(Breaker), p.breaker.Wrap)
	l.add(true, c.Limit.Wrap)
	l.add(c.on(Timeout), c.Timeout.Wrap)
	return l
}

func (p *policy) record(next http.RoundTripper) http.RoundTripper {
	return transport.Record{Stats: p.stats, Logger: p.config.Logger, Classifier: p.config.Classifier}.Wrap(next)
}

// An onion is a list of layers, the outermost first.
type onion []transport.Middleware

// add appends layers, if they are on.
func (o *onion) add(on bool, layers ...transport.Middleware) {
	if on {
		*o = append(*o, layers...)
	}
}

// withDefaults fills in what calls need. What the user gave by pointer is left
// as it is.
func (c Config) withDefaults() Config {
	c.Steps = slices.Clone(c.Steps)

	c.Retry.MaxDelay = cmp.Or(c.Retry.MaxDelay, max(30*time.Second, c.Retry.BaseDelay))
	c.Retry.Logger = cmp.Or(c.Retry.Logger, c.Logger)
	c.Timeout.Headers = cmp.Or(c.Timeout.Headers, 10*time.Second)

	c.Breaker = cmp.Or(c.Breaker, new(transport.Breaker))
	for _, judge := range []*transport.Classifier{&c.Retry.Classifier, &c.Call.Classifier, &c.Attempt.Classifier} {
		if *judge == nil {
			*judge = c.Classifier
		}
	}
	return c
}

// under returns the Config of a service with what it has from its Agent's,
// whose own defaults are filled in.
func (c Config) under(agent *Config, service string) Config {
	c.Cache = cmp.Or(c.Cache, agent.Cache)
	if c.Base == nil {
		c.Base = agent.Base
	}
	if c.Classifier == nil {
		c.Classifier = agent.Classifier
	}
	if isZero(c.Call) {
		c.Call = agent.Call
	}
	if isZero(c.Attempt) {
		c.Attempt = agent.Attempt
	}
	c.Retry.Budget = cmp.Or(c.Retry.Budget, agent.Retry.Budget)
	c.Logger = agent.Logger.With(slog.String("service", service))
	c.Disable |= agent.Disable & Health
	return c.withDefaults()
}
