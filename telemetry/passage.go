package telemetry

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/transport"
)

// A passage is one call between its beginning and its end.
type passage struct {
	*call
	req   *http.Request // as the caller sent it
	out   *http.Request // as it goes on: req, or a shallow copy
	ctx   context.Context
	span  trace.Span      // nil if there is none
	trip  *transport.Trip // nil if nobody records
	past  int             // attempts in trip that are of earlier hops
	known *knownGoal      // what it is for, nil if nobody records
	start time.Time       // zero if nobody measures
	shown bool            // the span records
	over  bool
}

// begin starts the span, if anybody wants it, and sees to it that there is a
// Trip to read.
func (c *call) begin(req *http.Request) passage {
	x := passage{call: c, req: req, out: req, ctx: req.Context()}
	measured := c.metrics.enabled(x.ctx)
	quiet := c.tracer.isQuiet()
	if measured || !quiet {
		x.known = c.metrics.known(c.goalOf(req))
	}
	x.startSpan(quiet)
	if x.shown || measured {
		x.joinTrip()
	}
	if x.span != nil || x.trip != nil {
		x.out = req.WithContext(x.ctx)
	}
	if measured {
		x.start = time.Now()
	}
	return x
}

func (x *passage) startSpan(quiet bool) {
	var made bool
	if quiet {
		x.ctx, x.span, made = x.tracer.startQuietly(x.ctx)
	} else {
		x.ctx, x.span, made = x.tracer.start(x.ctx, x.known.name, x.known.options)
	}
	x.shown = made && x.span.IsRecording()
	if quiet && x.shown { // there is somebody after all
		x.known = x.metrics.known(x.goalOf(x.req))
		x.span.SetName(x.known.name)
		x.span.SetAttributes(x.known.attrs...)
	}
}

func (c *call) goalOf(req *http.Request) goal {
	return goal{
		operation: transport.OperationOf(req.Context()),
		method:    c.methods.of(req.Method),
		template:  c.template(req),
		place:     placeOf(req),
	}
}

// joinTrip joins the Trip that is there, or makes one. The Trip of an earlier
// hop of a redirect keeps its attempts; how that hop was answered is not how
// this one will be.
func (x *passage) joinTrip() {
	if t := transport.TripFrom(x.ctx); t != nil {
		x.trip, x.past = t, len(t.Attempts())
		t.SetAnswer(transport.Answer{})
		t.SetGaveUp("")
		var none context.Context
		t.SetLeader(none)
		return
	}
	x.ctx, x.trip = transport.NewTrip(x.ctx)
}

// finish ends the call with what the caller gets.
func (x *passage) finish(resp *http.Response, err error) {
	if resp != nil && resp.Request == x.out {
		resp.Request = x.req
	}
	if x.trip == nil {
		return
	}
	v := x.classify(x.req, resp, err)
	x.end(v, endingOf(v, resp, err), err)
}

// end closes the span and records the call. Err is nil unless the caller gets
// it.
func (x *passage) end(v transport.Verdict, e ending, err error) {
	x.over = true
	attempts := x.trip.Attempts()
	attempts = onWire(attempts[min(x.past, len(attempts)):])
	s := x.metrics.series(x.known, outcomeOf(x.trip, len(attempts), v, e))
	if !x.start.IsZero() {
		x.metrics.ended(x, s, attempts)
	}
	if !x.shown {
		return
	}
	x.span.SetAttributes(s.spanAttrs...)
	x.addWaits(attempts)
	x.linkLeader()
	if e.failed() {
		x.span.SetStatus(codes.Error, descriptionOf(x.req, err))
	}
	x.span.End()
}

// unwind ends a call that a panic below left open. The panic goes on: nothing
// is recovered.
func (x *passage) unwind() {
	if !x.over && x.trip != nil {
		x.end(transport.Verdict{Outcome: transport.Failed, Category: transport.System, Severity: transport.High}, ending{fault: panicked}, nil)
	}
}

// addWaits tells each wait as an event at the time when it began, with what
// made it necessary.
func (x *passage) addWaits(attempts []transport.Attempt) {
	for i := 1; i < len(attempts); i++ {
		before, a := attempts[i-1], attempts[i]
		attrs := []attribute.KeyValue{
			attemptKey.Int(i + 1),
			waitKey.Float64(a.Wait.Seconds()),
			categoryKey.String(before.Verdict.Category.String()),
		}
		if before.Status > 0 {
			attrs = append(attrs, semconv.HTTPResponseStatusCode(before.Status))
		}
		x.span.AddEvent("safetrip.retry", trace.WithTimestamp(a.Start.Add(-a.Wait)), trace.WithAttributes(attrs...))
	}
}

// linkLeader links the span to that of the call whose answer this one shares,
// which has the attempts.
func (x *passage) linkLeader() {
	leader := x.trip.Leader()
	if leader == nil {
		return
	}
	if link := trace.LinkFromContext(leader); link.SpanContext.IsValid() {
		x.span.AddLink(link)
	}
}

var kindInternal = trace.WithSpanKind(trace.SpanKindInternal)
