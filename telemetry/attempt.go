package telemetry

import (
	"errors"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/internal/layer"
	"github.com/safetrip-go/safetrip/transport"
)

// Attempt gives each request on the wire a CLIENT span and a record in
// http.client.request.duration, by the semantic conventions for HTTP. It
// stands innermost, where each attempt of a retried call passes. Its zero
// value works.
//
// The span's context is injected into each attempt anew, so that the server's
// spans hang under the attempt that reached it. From the second attempt on,
// and from the second hop of a redirect on, http.request.resend_count says how
// many were before.
//
// Span and duration end together when the response headers are there: then
// nothing is lost when a body is not closed, and bodies are left alone. See
// Body for streams.
type Attempt struct {
	// TracerProvider makes the spans. If nil, it is the global one, also when
	// that is set later.
	TracerProvider trace.TracerProvider

	// MeterProvider makes the metrics. If nil, it is the global one, also when
	// that is set later.
	MeterProvider metric.MeterProvider

	// Propagator writes the span's context into the request's header. If nil,
	// it is the global one, which writes nothing until one is set. To write
	// nothing at all, give an empty composite.
	Propagator propagation.TextMapPropagator

	// Classifier judges attempts. If nil, it is [transport.Classify].
	Classifier transport.Classifier

	// Body keeps span and duration open until the response body ends: at EOF,
	// with Close, with an error, or when the request's context is over. If
	// false, they end with the headers.
	Body bool

	// SecretQueryKeys are names of query parameters whose values are shown as
	// REDACTED in url.full, beside those of the conventions and the common
	// names of credentials (token, api_key, password …), which always are.
	SecretQueryKeys []string

	// KnownMethods are the methods that have a name in telemetry; all others
	// are _OTHER. If nil, it is the comma-separated list in the environment
	// variable OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS, and without one the
	// methods of RFC 9110, PATCH and QUERY.
	KnownMethods []string

	// MaxHosts bounds how many hosts have metric series of their own; later
	// ones share the server.address _OTHER. Route templates have the same
	// bound. Spans always name the host. If zero, it is 100; if negative, all
	// hosts share one.
	MaxHosts int

	// Template returns the route template of a request, such as "/users/{id}",
	// or "". It becomes part of the span's name, and url.template. If nil,
	// there is none.
	Template func(*http.Request) string

	// OptIn has what the conventions leave to the user. All of it is off.
	OptIn OptIn
}

// OptIn has attributes and metrics of the conventions that are off unless
// asked for.
type OptIn struct {
	// ActiveRequests adds the metric http.client.active_requests.
	ActiveRequests bool

	// BodySizes adds the metrics http.client.request.body.size, of bodies
	// whose length is declared, and http.client.response.body.size. A response
	// that does not declare its length is counted while it is read.
	BodySizes bool

	// Peer adds network.peer.address and network.peer.port to spans. It costs
	// an [net/http/httptrace] on each recorded attempt.
	Peer bool

	// Scheme adds url.scheme to spans and metrics.
	Scheme bool

	// UserAgent adds user_agent.original to spans.
	UserAgent bool

	// RequestHeaders and ResponseHeaders are names of headers whose values are
	// added to spans, as they are. Do not name one that holds a secret:
	// Authorization, Proxy-Authorization, Cookie and Set-Cookie are refused.
	RequestHeaders  []string
	ResponseHeaders []string
}

// Validate reports settings that cannot be, all of them joined.
func (a Attempt) Validate() error {
	return errors.Join(
		checkNames("Attempt.KnownMethods", a.KnownMethods),
		checkNames("Attempt.SecretQueryKeys", a.SecretQueryKeys),
		checkHeaders("Attempt.OptIn.RequestHeaders", a.OptIn.RequestHeaders),
		checkHeaders("Attempt.OptIn.ResponseHeaders", a.OptIn.ResponseHeaders),
	)
}

// Wrap returns next with a span and a record for each request that passes. It
// panics if [Attempt.Validate] finds a fault.
func (a Attempt) Wrap(next http.RoundTripper) http.RoundTripper {
	if err := a.Validate(); err != nil {
		panic(err)
	}
	if a.Classifier == nil {
		a.Classifier = transport.Classify
	}
	if a.Template == nil {
		a.Template = func(*http.Request) string { return "" }
	}
	return &attempt{
		Layer:      layer.Layer{Next: next},
		tracer:     newTracer(a.TracerProvider, kindClient),
		metrics:    newAttemptMetrics(a),
		propagator: a.Propagator,
		classify:   a.Classifier,
		template:   a.Template,
		methods:    knownMethods(a.KnownMethods),
		secrets:    secretKeys(slices.Clone(a.SecretQueryKeys)),
		optIn:      a.OptIn.frozen(),
		toBodyEnd:  a.Body,
	}
}

type attempt struct {
	layer.Layer
	tracer     *tracer
	metrics    *attemptMetrics
	propagator propagation.TextMapPropagator
	classify   transport.Classifier
	template   func(*http.Request) string
	methods    methods
	secrets    secrets
	optIn      optIn
	toBodyEnd  bool
}

func (a *attempt) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		return a.Send(req) // no request; the base says so
	}
	x := a.begin(req)
	defer x.unwind()
	resp, err := a.Send(x.out)
	x.finish(resp, err)
	return resp, err
}
