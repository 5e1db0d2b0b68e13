package telemetry

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/safetrip-go/safetrip/transport"
)

// An outcome is how a call ended, as spans and metrics tell it. It is
// comparable, so that all that is made of it can be kept.
type outcome struct {
	ending
	attempts int // -1 if nobody counted them
	category transport.Category
	severity transport.Severity
	answer   transport.Answer     // its Source is "" if there was no response
	gaveUp   transport.Reason     // "" if the call went well in the end
	circuit  transport.CircuitRef // zero unless it was open or half-open
}

// outcomeOf reads from the Trip what came of a call. An answer that no layer
// had a reason to speak of is the service's own.
func outcomeOf(trip *transport.Trip, attempts int, v transport.Verdict, e ending) outcome {
	o := outcome{
		ending: e, attempts: attempts, category: v.Category, severity: v.Severity,
		answer: trip.Answer(), gaveUp: trip.GaveUp(), circuit: trip.Circuit(),
	}
	switch {
	case e.status == 0:
		o.answer.Source, o.answer.Step = "", ""
	case o.answer.Source == "":
		o.answer.Source = transport.SourceOrigin
	}
	if o.circuit.State == transport.Closed {
		o.circuit = transport.CircuitRef{}
	}
	if attempts == 0 && o.category != transport.CircuitOpen && (o.answer.Source == "" || o.answer.Source == transport.SourceOrigin) {
		o.attempts = -1 // there is no Retry in the chain
	}
	o.protocol = "" // a matter of attempts
	return o
}

// onWire returns those of attempts that were sent. A Trip also has those that
// an open circuit refused.
func onWire(attempts []transport.Attempt) []transport.Attempt {
	return slices.DeleteFunc(attempts, func(a transport.Attempt) bool { return a.Verdict.Category == transport.CircuitOpen })
}

// attributes returns what a span says of the end. What goes without
// saying is not said: a level that is full.
func (o outcome) attributes() []attribute.KeyValue {
	var attrs []attribute.KeyValue
	if o.answer.Level != transport.Full {
		attrs = append(attrs, levelKey.String(o.answer.Level.String()))
	}
	if o.attempts >= 0 {
		attrs = append(attrs, attemptsKey.Int(o.attempts))
	}
	if o.status > 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(o.status))
	}
	if o.category != transport.OK {
		attrs = append(attrs, categoryKey.String(o.category.String()), severityKey.String(o.severity.String()))
	}
	if o.circuit.Key != "" {
		attrs = append(attrs, stateKey.String(o.circuit.State.String()))
	}
	return append(attrs, given(
		semconv.ErrorTypeKey.String(o.errorType()),
		sourceKey.String(string(o.answer.Source)),
		stepKey.String(o.answer.Step),
		gaveUpKey.String(string(o.gaveUp)),
		circuitKey.String(o.circuit.Key),
	)...)
}

// given returns those of attrs, which are strings, that are not empty.
func given(attrs ...attribute.KeyValue) []attribute.KeyValue {
	kept := attrs[:0]
	for _, a := range attrs {
		if a.Value.AsString() != "" {
			kept = append(kept, a)
		}
	}
	return kept
}

// callSeries are what calls for the same that ended alike have in common.
type callSeries struct {
	outcome   outcome
	spanAttrs []attribute.KeyValue
	duration  []metric.RecordOption
	counts    []count // what they add one to
}

type count struct {
	counter metric.Int64Counter
	series  []metric.AddOption
}

type outcomeKey struct {
	goal
	outcome
}

// series returns the series of calls for what is known that ended in o.
func (m *callMetrics) series(known *knownGoal, o outcome) *callSeries {
	if s := known.last.Load(); s != nil && s.outcome == o {
		return s
	}
	g := known.told
	s := m.outcomes.GetOrAdd(outcomeKey{g, o}, func() (outcomeKey, *callSeries) {
		return outcomeKey{g, o}, m.newSeries(g, o)
	})
	known.last.Store(s)
	return s
}

func (m *callMetrics) newSeries(g goal, o outcome) *callSeries {
	s := &callSeries{outcome: o, spanAttrs: o.attributes()}
	level := levelKey.String(o.answer.Level.String())
	source := sourceKey.String(m.steps.fold(string(o.answer.Source)))
	s.duration = []metric.RecordOption{setOf(g.attributes(), given(level, source, semconv.ErrorTypeKey.String(o.errorType()))...)}

	add := func(c metric.Int64Counter, attrs ...attribute.KeyValue) {
		s.counts = append(s.counts, count{c, []metric.AddOption{setOf(g.place.attributes(), attrs...)}})
	}
	if o.answer.Step != "" {
		add(m.fallbacks, source, stepKey.String(m.steps.fold(o.answer.Step)))
	}
	if o.gaveUp != "" {
		add(m.givenUp, gaveUpKey.String(string(o.gaveUp)))
	}
	if o.category != transport.OK {
		add(m.errors, categoryKey.String(o.category.String()), severityKey.String(o.severity.String()))
	}
	return s
}

func setOf(attrs []attribute.KeyValue, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(attrs, more...)...))
}
