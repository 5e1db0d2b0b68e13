package telemetry

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
)

// inject lets p write ctx into a copy of h. It returns nil when p wrote
// nothing: then h can be sent as it is. A nil p is the global propagator.
func inject(ctx context.Context, p propagation.TextMapPropagator, h http.Header) http.Header {
	if h == nil {
		return nil // no request that can be sent; the base says so
	}
	if p == nil {
		p = otel.GetTextMapPropagator()
	}
	c := carriers.Get().(*carrier) //nolint:errcheck // the pool holds nothing else
	c.Header = h
	p.Inject(ctx, c)
	written := c.written
	*c = carrier{}
	carriers.Put(c)
	return written
}

var carriers = sync.Pool{New: func() any { return new(carrier) }}

// A carrier is a header that is copied when it is first written to.
type carrier struct {
	http.Header             // what to read
	written     http.Header // the copy, nil if there is none
}

// Set implements [propagation.TextMapCarrier].
func (c *carrier) Set(key, value string) {
	if c.written == nil {
		c.written = maps.Clone(c.Header)
		c.Header = c.written
	}
	c.written[headerName(key)] = []string{value}
}

// Keys implements [propagation.TextMapCarrier].
func (c *carrier) Keys() []string { return slices.Collect(maps.Keys(c.Header)) }

// headerName is [http.CanonicalHeaderKey], which allocates for names that it
// does not expect, without the allocation for those that we do.
func headerName(key string) string {
	switch key {
	case "traceparent":
		return "Traceparent"
	case "tracestate":
		return "Tracestate"
	case "baggage":
		return "Baggage"
	}
	return http.CanonicalHeaderKey(key)
}
