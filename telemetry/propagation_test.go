package telemetry_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// raw is a header's name as net/http would not spell it.
var raw = strings.ToLower("X-Raw")

func TestTheRequestIsNeverChanged(t *testing.T) {
	l := listen(t)
	req := get(t, "http://api.example.com")
	req.Header = http.Header{"Traceparent": {"the caller's own"}, raw: {"1"}}
	header := maps.Clone(req.Header)
	var sent []string
	base := transport.Func(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.Header.Get("Traceparent"))
		if len(r.Header[raw]) != 1 || r.URL != req.URL {
			t.Error("a header or the URL was lost")
		}
		return reply(r, 503), nil
	})
	send(t, l.chain(base, transport.Retry{BaseDelay: -1}.Wrap), req)
	if !maps.EqualFunc(req.Header, header, slices.Equal) {
		t.Errorf("the caller's header is %v, was %v", req.Header, header)
	}
	if len(sent) != 3 || sent[0] == sent[1] || sent[1] == sent[2] || sent[0] == "the caller's own" {
		t.Errorf("traceparents %q: want one of its own for each attempt", sent)
	}
}

func TestNothingIsCopiedWhereNothingIsWritten(t *testing.T) {
	for _, c := range []struct {
		sentence string
		attempt  telemetry.Attempt
	}{
		{"no SDK, no propagator", telemetry.Attempt{}},
		{"no SDK, and nothing to propagate", telemetry.Attempt{Propagator: propagation.TraceContext{}}},
		{"a no-op provider", telemetry.Attempt{TracerProvider: noop.NewTracerProvider()}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			req := get(t, "http://api.example.com")
			send(t, telemetry.Call{TracerProvider: c.attempt.TracerProvider}.Wrap(c.attempt.Wrap(transport.Func(func(r *http.Request) (*http.Response, error) {
				if r != req {
					t.Error("the request was copied")
				}
				return reply(r, 200), nil
			}))), req)
		})
	}
}

// Who records nothing still passes on what came in.
func TestARemoteParentPassesWhereNothingIsRecorded(t *testing.T) {
	remote := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, Remote: true})
	attempt := telemetry.Attempt{TracerProvider: noop.NewTracerProvider(), Propagator: propagation.TraceContext{}}
	call := telemetry.Call{TracerProvider: noop.NewTracerProvider()}
	rt := call.Wrap(attempt.Wrap(transport.Func(func(r *http.Request) (*http.Response, error) {
		if got, want := r.Header.Get("Traceparent"), "00-01000000000000000000000000000000-0200000000000000-01"; got != want {
			t.Errorf("traceparent %q, want %q", got, want)
		}
		return reply(r, 200), nil
	})))
	for range 3 { // before and after the tracer is known to be quiet
		req := get(t, "http://api.example.com")
		send(t, rt, req.WithContext(trace.ContextWithRemoteSpanContext(req.Context(), remote)))
	}
}

func TestBaggageAndAnyPropagatorPass(t *testing.T) {
	l := listen(t)
	a := l.attempt()
	a.Propagator = propagation.NewCompositeTextMapPropagator(house{}, propagation.TraceContext{}, propagation.Baggage{}, house{})
	member, _ := baggage.NewMember("tenant", "7")
	bag, _ := baggage.New(member)
	req := get(t, "http://api.example.com")
	send(t, l.call().Wrap(a.Wrap(transport.Func(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Baggage") != "tenant=7" || r.Header.Get("X-House") != "brick" || r.Header.Get("Traceparent") == "" {
			t.Errorf("header %v", r.Header)
		}
		return reply(r, 200), nil
	}))), req.WithContext(baggage.ContextWithBaggage(req.Context(), bag)))
}

func TestUnsampledContextsArePropagated(t *testing.T) {
	p := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	a := telemetry.Attempt{TracerProvider: p, Propagator: propagation.TraceContext{}}
	send(t, a.Wrap(transport.Func(func(r *http.Request) (*http.Response, error) {
		got := r.Header.Get("Traceparent")
		if span := trace.SpanContextFromContext(r.Context()); got[len(got)-2:] == "01" || !span.IsValid() {
			t.Errorf("traceparent %q, context %v", got, span)
		}
		return reply(r, 200), nil
	})), get(t, "http://api.example.com"))
}

func TestARequestThatIsNoneIsLeftToTheBase(t *testing.T) {
	l := listen(t)
	rt := l.chain(&http.Transport{})
	for name, req := range map[string]*http.Request{
		"no URL":    {Method: "GET", Header: http.Header{}},
		"no header": {Method: "GET", URL: get(t, "http://127.0.0.1:1").URL},
	} {
		_, want := (&http.Transport{}).RoundTrip(req)
		if _, err := rt.RoundTrip(req); err == nil || err.Error() != want.Error() {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// house is somebody's own propagator.
type house struct{}

func (house) Inject(_ context.Context, c propagation.TextMapCarrier) {
	if c.Get("x-house") == "" && !slices.Contains(c.Keys(), "X-House") {
		c.Set("x-house", "brick")
	}
	if c.Get("x-house") != "brick" || !slices.Contains(c.Keys(), "X-House") {
		panic("what was written cannot be read")
	}
}

func (house) Extract(ctx context.Context, _ propagation.TextMapCarrier) context.Context { return ctx }
func (house) Fields() []string                                                          { return []string{"x-house"} }

func TestTheBaseIsWithinTheAttemptsSpan(t *testing.T) {
	l := listen(t)
	a := l.attempt()
	a.Propagator = propagation.NewCompositeTextMapPropagator()
	var within trace.SpanContext
	send(t, a.Wrap(transport.Func(func(r *http.Request) (*http.Response, error) {
		within = trace.SpanContextFromContext(r.Context())
		return reply(r, 200), nil
	})), get(t, "http://api.example.com"))
	if got := l.only(trace.SpanKindClient).SpanContext(); within.SpanID() != got.SpanID() {
		t.Errorf("the base is within %v, want %v", within, got)
	}
}
