package telemetry

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/transport"
)

// An exchange is one attempt between its beginning and its end.
type exchange struct {
	*attempt
	req   *http.Request // as the layer above sent it
	out   *http.Request // as it goes on: req, or a shallow copy
	ctx   context.Context
	span  trace.Span // nil if there is none
	route route
	start time.Time // when it began, zero if nobody measures
	peer  *peer     // nil unless asked for
	shown bool      // the span records
	over  bool      // it has ended, or whoever has its body will end it
}

// A route is what is known of a request before it is sent, and what its
// metrics are told by.
type route struct {
	method   string // http.request.method
	template string // url.template
	scheme   string // url.scheme, "" unless asked for
	place    place
}

// begin starts the span, if anybody wants it, and writes its context into the
// request.
func (a *attempt) begin(req *http.Request) exchange {
	x := exchange{attempt: a, req: req, out: req, ctx: req.Context()}
	measured := a.metrics.enabled(x.ctx)
	quiet := a.tracer.isQuiet()
	if measured || !quiet {
		x.route = a.routeOf(req)
	}
	x.startSpan(quiet)
	if h := inject(x.ctx, a.propagator, req.Header); h != nil {
		x.copyRequest()
		x.out.Header = h
	}
	if a.optIn.Peer && x.shown {
		x.peer = new(peer)
		x.out = x.peer.watch(x.out)
	}
	if measured {
		x.start = time.Now()
		a.metrics.began(x.ctx, x.route)
	}
	return x
}

func (a *attempt) routeOf(req *http.Request) route {
	r := route{method: a.methods.of(req.Method), template: a.template(req), place: placeOf(req)}
	if a.optIn.Scheme {
		r.scheme = req.URL.Scheme
	}
	return r
}

func (x *exchange) startSpan(quiet bool) {
	if quiet {
		x.startQuietly()
		return
	}
	var made bool
	o := newStarting()
	options := o.fill(x)
	x.ctx, x.span, made = x.tracer.start(x.ctx, spanName(x.route.method, x.route.template), options)
	o.release()
	if made {
		x.show()
	}
}

// startQuietly gives a span, should there be one, what it should have had from
// the beginning.
func (x *exchange) startQuietly() {
	var made bool
	if x.ctx, x.span, made = x.tracer.startQuietly(x.ctx); !made {
		return
	}
	x.route = x.routeOf(x.req)
	o := newStarting()
	o.fill(x)
	x.span.SetName(spanName(x.route.method, x.route.template))
	x.span.SetAttributes(o.attrs[:o.n]...)
	o.release()
	x.show()
}

func (x *exchange) show() {
	x.copyRequest()
	if x.shown = x.span.IsRecording(); x.shown && x.optIn.showsRequest {
		x.span.SetAttributes(x.optIn.ofRequest(x.req)...)
	}
}

func (x *exchange) copyRequest() {
	if x.out == x.req {
		x.out = x.req.WithContext(x.ctx)
	}
}

// finish ends the exchange with what came of it, or leaves the end to the
// body.
func (x *exchange) finish(resp *http.Response, err error) {
	if resp != nil && resp.Request == x.out {
		resp.Request = x.req
	}
	if !x.recorded() {
		return
	}
	e := endingOf(x.classify(x.req, resp, err), resp, err)
	x.metrics.sizes(x, resp, e)
	if x.shown && x.optIn.showsResponse {
		x.span.SetAttributes(x.optIn.ofResponse(resp)...)
	}
	if x.toBodyEnd && resp != nil {
		x.over = true
		keepOpen(*x, resp, e)
		return
	}
	x.end(e, err)
}

// end closes span and duration. Err is nil unless it is why they end.
func (x *exchange) end(e ending, err error) {
	x.over = true
	s := x.metrics.series(x.route, e)
	if !x.start.IsZero() {
		x.metrics.ended(x.ctx, x.route, s, time.Since(x.start))
	}
	if !x.shown {
		return
	}
	x.span.SetAttributes(s.spanAttrs...)
	if x.peer != nil {
		x.span.SetAttributes(x.peer.attributes()...)
	}
	if e.failed() {
		x.span.SetStatus(codes.Error, descriptionOf(x.req, err))
	}
	x.span.End()
}

// unwind ends an exchange that a panic of the base left open. The panic goes
// on: nothing is recovered.
func (x *exchange) unwind() {
	if !x.over && x.recorded() {
		x.end(ending{fault: panicked}, nil)
	}
}

// recorded reports whether anybody wants to know how it ends.
func (x *exchange) recorded() bool { return x.shown || !x.start.IsZero() }

// descriptionOf returns the description of a span's error status: words that
// hold no secret, and nothing where a status code says it all.
func descriptionOf(req *http.Request, err error) string {
	if err == nil {
		return ""
	}
	if f := transport.FailureOf(req, nil, err); f != nil {
		return f.Message
	}
	return ""
}
