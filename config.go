package safetrip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// Config says how an [Agent] treats its calls. The zero value is made for
// production: 3 attempts from 1 s apart to at most 30 s, a circuit per host
// that opens at 5 failures for 60 s and closes after 3 good probes, answers
// from the cache when the service is down, and checks every 30 s.
//
// Each field is the setting of one layer, as its own package documents it; the
// defaults that are an Agent's own are said here.
//
// Agents may share what is given by pointer. Make them one after another: New
// completes it where it is nil. The first of them runs a shared Cache and a
// shared Monitor, until its Close.
type Config struct {
	// Base sends. If nil, it is [http.DefaultTransport].
	Base http.RoundTripper

	// Retry sends again what failed. If its MaxDelay is zero, it is 30 s, or
	// its BaseDelay if that is longer.
	Retry transport.Retry

	// Breaker guards each host. If nil, it is one of the Agent's own. If its
	// OnChange is nil, changes are logged, and counted as a metric.
	Breaker *transport.Breaker

	// Timeout bounds one attempt. If its Headers is zero, it is 10 s; if
	// negative, there is no limit.
	Timeout transport.Timeout

	// Deadline bounds one call with all of its attempts. There is no limit
	// unless it is set: leave it a little less than the patience of the
	// client, so that the ladder can still answer.
	Deadline transport.Deadline

	// Limit bounds how many attempts are under way to one host, and how many
	// are begun in a second. There is no bound unless it is set.
	Limit transport.Limit

	// Buffer, if not nil, reads small bodies ahead, so that a cut one is
	// retried.
	Buffer *transport.Buffer

	// Cache keeps what may stand in for a service that fails. If nil, it is one
	// of the Agent's own.
	Cache *fallback.Cache

	// Steps are asked in turn when the service fails and the cache has nothing.
	Steps []fallback.Step

	// PerCall are layers of your own around each call, inside the Call span and
	// outside of everything else.
	PerCall []transport.Middleware

	// PerAttempt are layers of your own around each attempt, inside the
	// time-out of the attempt: authentication, request signing.
	//
	// The cache does not see what they add. If they act for different users,
	// by a token in the request's context say, set Cache.Partition to tell
	// these apart, or one may be served another's answer.
	PerAttempt []transport.Middleware

	// Call and Attempt are the spans and metrics of a call and of an attempt.
	// Without an OpenTelemetry SDK in the program they do nothing.
	Call    telemetry.Call
	Attempt telemetry.Attempt

	// Health is what [Agent.Healthz] serves. If nil, it is one of the Agent's
	// own. What is nil of its Sources is wired to the Agent; its Name is the
	// Agent's if it is empty.
	Health *healthz.Monitor

	// Classifier judges for all layers, those that have their own excepted. If
	// nil, it is [transport.Classify].
	Classifier transport.Classifier

	// Logger is told of failures, retries, circuits and alerts, with the ids
	// of the trace where there is one. If nil, it is [slog.Default].
	Logger *slog.Logger

	// Disable leaves parts out.
	Disable Part
}

// A Part is a set of layers that [Config.Disable] can leave out.
type Part uint

// The parts.
const (
	Telemetry Part = 1 << iota // spans and metrics
	Fallback                   // the ladder and the cache
	Recording                  // statistics and the log of failed calls
	Retry
	Breaker
	Timeout
	Health // background checks; Healthz says that nothing runs
)

func (c *Config) on(p Part) bool { return c.Disable&p == 0 }

// Validate returns an error that names every setting out of its bounds. [New]
// returns the same.
func (c Config) Validate() error {
	errs := []error{c.Retry.Validate(), c.Limit.Validate(), c.Call.Validate(), c.Attempt.Validate()}
	if c.Breaker != nil {
		errs = append(errs, c.Breaker.Validate())
	}
	if c.Cache != nil {
		errs = append(errs, c.Cache.Validate())
	}
	if c.Health != nil {
		errs = append(errs, c.Health.Validate())
	}
	for i, s := range c.Steps {
		if s.Name == "" || s.Do == nil {
			errs = append(errs, fmt.Errorf("safetrip: Config.Steps[%d] must have a Name and a Do", i))
		}
	}
	return errors.Join(errs...)
}

// withDefaults fills in what an Agent needs. What the user gave by pointer is
// completed where it is nil, and otherwise left as it is.
func (c Config) withDefaults() Config {
	if c.Classifier == nil {
		c.Classifier = transport.Classify
	}
	c.Steps = slices.Clone(c.Steps)

	c.Retry.MaxDelay = cmp.Or(c.Retry.MaxDelay, max(30*time.Second, c.Retry.BaseDelay))
	c.Retry.Budget = cmp.Or(c.Retry.Budget, new(transport.Budget))
	c.Retry.Logger = cmp.Or(c.Retry.Logger, c.Logger)
	c.Timeout.Headers = cmp.Or(c.Timeout.Headers, 10*time.Second)

	c.Breaker = cmp.Or(c.Breaker, new(transport.Breaker))
	if c.Breaker.OnChange == nil {
		c.Breaker.OnChange = c.tellChanges()
	}
	c.Cache = cmp.Or(c.Cache, new(fallback.Cache))
	c.Health = cmp.Or(c.Health, new(healthz.Monitor))

	for _, judge := range []*transport.Classifier{
		&c.Retry.Classifier, &c.Breaker.Classifier, &c.Call.Classifier, &c.Attempt.Classifier, &c.Health.Classifier,
	} {
		if *judge == nil {
			*judge = c.Classifier
		}
	}
	return c
}

// logger returns the user's logger with the ids of traces added.
func (c *Config) logger() *slog.Logger {
	l := cmp.Or(c.Logger, slog.Default())
	if !c.on(Telemetry) {
		return l
	}
	return slog.New(telemetry.Logs(l.Handler()))
}

// tellChanges returns a hook that logs and counts what circuits do.
func (c *Config) tellChanges() func(transport.Change) {
	count := func(transport.Change) {}
	if c.on(Telemetry) {
		count = telemetry.CircuitChanges(c.Call.MeterProvider)
	}
	log := c.Logger
	return func(change transport.Change) {
		count(change)
		level := slog.LevelInfo
		if change.To == transport.Open {
			level = slog.LevelError
		}
		log.LogAttrs(context.Background(), level, "circuit changed",
			slog.String("circuit", change.Key),
			slog.String("from", change.From.String()),
			slog.String("to", change.To.String()),
			slog.Duration("open_for", change.OpenFor))
	}
}
