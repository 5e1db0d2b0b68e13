package telemetry

import (
	"net/http"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/internal/layer"
	"github.com/safetrip-go/safetrip/transport"
)

// Call gives each call an INTERNAL span, under which the spans of its attempts
// hang, and a record in the kit's own metrics, safetrip.*. It stands
// outermost: what it sees is what the caller sees. Its zero value works.
//
// The span is named by the operation ([transport.WithOperation]), else by the
// method and the route template, never by the path. When the call is over it
// says how many attempts it took, where the answer came from and why it was
// not sent again, and has an event for each wait between two attempts, and a
// link to the call whose answer it shares, if it does. All of this is read
// from the call's [transport.Trip]: Call joins the one that is in the context,
// and makes one where there is none and somebody records.
type Call struct {
	// TracerProvider makes the spans. If nil, it is the global one, also when
	// that is set later.
	TracerProvider trace.TracerProvider

	// MeterProvider makes the metrics. If nil, it is the global one, also when
	// that is set later.
	MeterProvider metric.MeterProvider

	// Classifier judges calls. If nil, it is [transport.Classify].
	Classifier transport.Classifier

	// KnownMethods are the methods that have a name in telemetry; all others
	// are _OTHER. If nil, it is the comma-separated list in the environment
	// variable OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS, and without one the
	// methods of RFC 9110, PATCH and QUERY.
	KnownMethods []string

	// MaxHosts bounds how many hosts have metric series of their own; later
	// ones share the server.address _OTHER. Operations, route templates and
	// the steps of ladders have the same bound, each for itself. If zero, it
	// is 100; if negative, nothing is told apart.
	MaxHosts int

	// Template returns the route template of a request, such as "/users/{id}",
	// or "". It becomes part of the span's name, and url.template. If nil,
	// there is none.
	Template func(*http.Request) string
}

// Validate reports settings that cannot be, all of them joined.
func (c Call) Validate() error { return checkNames("Call.KnownMethods", c.KnownMethods) }

// Wrap returns next with a span and a record for each call. It panics if
// [Call.Validate] finds a fault.
func (c Call) Wrap(next http.RoundTripper) http.RoundTripper {
	if err := c.Validate(); err != nil {
		panic(err)
	}
	if c.Classifier == nil {
		c.Classifier = transport.Classify
	}
	if c.Template == nil {
		c.Template = func(*http.Request) string { return "" }
	}
	return &call{
		Layer:    layer.Layer{Next: next},
		tracer:   newTracer(c.TracerProvider, kindInternal),
		metrics:  newCallMetrics(c),
		classify: c.Classifier,
		template: c.Template,
		methods:  knownMethods(c.KnownMethods),
	}
}

type call struct {
	layer.Layer
	tracer   *tracer
	metrics  *callMetrics
	classify transport.Classifier
	template func(*http.Request) string
	methods  methods
}

func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		return c.Send(req) // no request; the base says so
	}
	x := c.begin(req)
	defer x.unwind()
	resp, err := c.Send(x.out)
	x.finish(resp, err)
	return resp, err
}
