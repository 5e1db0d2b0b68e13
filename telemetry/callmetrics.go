package telemetry

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/internal/table"
	"github.com/safetrip-go/safetrip/transport"
)

// callMetrics are the kit's own metrics of calls.
type callMetrics struct {
	duration  metric.Float64Histogram
	attempts  metric.Int64Counter
	retries   metric.Int64Counter
	givenUp   metric.Int64Counter
	fallbacks metric.Int64Counter
	errors    metric.Int64Counter

	hosts      *limit
	operations *limit
	templates  *limit
	steps      *limit
	last       atomic.Pointer[knownGoal] // most calls are for what the one before was for
	goals      table.Table[goal, knownGoal]
	outcomes   table.Table[outcomeKey, callSeries]
	reasons    table.Table[retryKey, []metric.AddOption]
}

func newCallMetrics(c Call) *callMetrics {
	m := newMeter(c.MeterProvider)
	defer m.report()
	return &callMetrics{
		goals:    table.Table[goal, knownGoal]{Max: maxKept},
		outcomes: table.Table[outcomeKey, callSeries]{Max: maxKept},
		reasons:  table.Table[retryKey, []metric.AddOption]{Max: maxKept},

		duration:  m.float64Histogram("safetrip.call.duration", "s", "Duration of calls, with all of their attempts and waits.", callBuckets...),
		attempts:  m.counter("safetrip.attempts", "{attempt}", "Number of attempts that calls took."),
		retries:   m.counter("safetrip.retries", "{retry}", "Number of attempts after the first, by what was wrong with the one before."),
		givenUp:   m.counter("safetrip.gave_up", "{call}", "Number of failed calls that were not sent again, by the reason."),
		fallbacks: m.counter("safetrip.fallbacks", "{answer}", "Number of responses that a step of a fallback ladder gave."),
		errors:    m.counter("safetrip.errors", "{error}", "Number of calls that did not end well, by category and severity."),

		hosts:      newLimit(c.MaxHosts),
		operations: newLimit(c.MaxHosts),
		templates:  newLimit(c.MaxHosts),
		steps:      newLimit(c.MaxHosts),
	}
}

// callBuckets reach further than those of attempts: a call may wait.
var callBuckets = slices.Concat(durationBuckets, []float64{30, 60, 120})

// enabled reports whether anybody reads any of them. A view may have dropped
// one.
func (m *callMetrics) enabled(ctx context.Context) bool {
	return m.duration.Enabled(ctx) || m.attempts.Enabled(ctx) || m.retries.Enabled(ctx) ||
		m.givenUp.Enabled(ctx) || m.fallbacks.Enabled(ctx) || m.errors.Enabled(ctx)
}

// ended is given a passage whose ctx has the span, which exemplars are taken
// from.
func (m *callMetrics) ended(x *passage, s *callSeries, attempts []transport.Attempt) {
	m.duration.Record(x.ctx, time.Since(x.start).Seconds(), s.duration...)
	if n := len(attempts); n > 0 {
		m.attempts.Add(x.ctx, int64(n), x.known.add...)
	}
	for i := 1; i < len(attempts); i++ {
		m.retries.Add(x.ctx, 1, m.retry(x.known.told.place, attempts[i-1].Verdict.Category)...)
	}
	for _, c := range s.counts {
		c.counter.Add(x.ctx, 1, c.series...)
	}
}

// A goal is what a call is for.
type goal struct {
	operation string
	method    string
	template  string
	place     place
}

// A knownGoal is what spans and metrics say of a call before it is made.
type knownGoal struct {
	goal    goal
	name    string
	attrs   []attribute.KeyValue
	options []trace.SpanStartOption
	told    goal // what metrics say, within the limits
	add     []metric.AddOption
	last    atomic.Pointer[callSeries] // most calls end like the one before
}

// known returns what is said of g. The span is told all of it, the metrics
// what the limits admit.
func (m *callMetrics) known(g goal) *knownGoal {
	if k := m.last.Load(); k != nil && k.goal == g {
		return k
	}
	k := m.goals.GetOrAdd(g, func() (goal, *knownGoal) {
		g := g.clone()
		return g, m.newGoal(g)
	})
	m.last.Store(k)
	return k
}

func (m *callMetrics) newGoal(g goal) *knownGoal {
	attrs := g.attributes()
	name := g.operation
	if name == "" {
		name = spanName(g.method, g.template)
	}
	told := m.fold(g)
	return &knownGoal{
		goal:    g,
		name:    name,
		attrs:   attrs,
		options: []trace.SpanStartOption{kindInternal, trace.WithAttributes(attrs...)},
		told:    told,
		add:     []metric.AddOption{setOf(told.attributes())},
	}
}

// fold returns g with what is beyond a limit replaced.
func (m *callMetrics) fold(g goal) goal {
	g.operation = m.operations.fold(g.operation)
	g.template = m.templates.fold(g.template)
	if !m.hosts.admit(g.place.String()) {
		g.place = elsewhere
	}
	return g
}

// clone returns g without any part of a request's memory.
func (g goal) clone() goal {
	g.operation = strings.Clone(g.operation)
	g.template = strings.Clone(g.template)
	g.place.address = strings.Clone(g.place.address)
	return g
}

func (g goal) attributes() []attribute.KeyValue {
	attrs := append(g.place.attributes(), semconv.HTTPRequestMethodKey.String(g.method))
	if g.operation != "" {
		attrs = append(attrs, operationKey.String(g.operation))
	}
	if g.template != "" {
		attrs = append(attrs, semconv.URLTemplate(g.template))
	}
	return attrs
}

type retryKey struct {
	place place
	cause transport.Category
}

// retry returns the series of retries to p, which is within the limits, that
// cause made necessary.
func (m *callMetrics) retry(p place, cause transport.Category) []metric.AddOption {
	k := retryKey{p, cause}
	if o := m.reasons.Get(k); o != nil {
		return *o
	}
	return *m.reasons.GetOrAdd(k, func() (retryKey, *[]metric.AddOption) {
		return k, &[]metric.AddOption{setOf(p.attributes(), categoryKey.String(cause.String()))}
	})
}
