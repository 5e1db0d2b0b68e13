package telemetry

import (
	"net/http"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/transport"
)

var kindClient = trace.WithSpanKind(trace.SpanKindClient)

// starting is room for the options of a span's start. It is used again: the
// only way to read an option is [trace.NewSpanStartConfig], which copies the
// attributes, so none of it is held after Start.
type starting struct {
	attrs   [7]attribute.KeyValue
	n       int
	options [8][]trace.SpanStartOption // options[n] are the kind and attrs[:n]
}

var startOptions = sync.Pool{New: func() any {
	s := new(starting)
	for n := range s.options {
		s.options[n] = []trace.SpanStartOption{kindClient, trace.WithAttributes(s.attrs[:n]...)}
	}
	return s
}}

func newStarting() *starting {
	return startOptions.Get().(*starting) //nolint:errcheck // the pool holds nothing else
}

func (s *starting) fill(x *exchange) []trace.SpanStartOption {
	s.n = 0
	s.add(semconv.HTTPRequestMethodKey.String(x.route.method))
	s.add(semconv.ServerAddress(x.route.place.address))
	s.add(semconv.ServerPort(x.route.place.port))
	s.add(semconv.URLFull(x.secrets.fullURL(x.req.URL)))
	if x.route.method == other {
		s.add(semconv.HTTPRequestMethodOriginal(x.req.Method))
	}
	if n := resendCount(x.req); n > 0 {
		s.add(semconv.HTTPRequestResendCount(n))
	}
	if x.route.template != "" {
		s.add(semconv.URLTemplate(x.route.template))
	}
	return s.options[s.n]
}

func (s *starting) add(a attribute.KeyValue) {
	s.attrs[s.n] = a
	s.n++
}

// release leaves the attributes where they are, to be overwritten: they hold no
// secret, and little memory.
func (s *starting) release() { startOptions.Put(s) }

// resendCount returns how many requests were sent before req to the same end:
// the attempts before it, and the hops of a redirect.
func resendCount(req *http.Request) int {
	n := transport.AttemptOf(req.Context()) - 1
	for r := req; r.Response != nil && r.Response.Request != nil; r = r.Response.Request {
		n++
	}
	return n
}
