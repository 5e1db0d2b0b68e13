package telemetry_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/transport"
)

var steady = transport.Retry{BaseDelay: time.Second, Jitter: transport.NoJitter}

func TestARetriedCallIsOneSpanWithASpanPerAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t)
		start := time.Now()
		rt := l.chain(answers(503, 429, 200), steady.Wrap)
		send(t, rt, get(t, "http://api.example.com/v1"))

		call := l.only(trace.SpanKindInternal)
		want := "http.request.method=GET http.response.status_code=200 safetrip.attempts=3 safetrip.source=origin " +
			"server.address=api.example.com server.port=80"
		if got := show(call.Attributes()); got != want || call.Name() != "GET" || call.Status().Code != codes.Unset {
			t.Errorf("call %q %v with\n%s\nwant\n%s", call.Name(), call.Status(), got, want)
		}
		if d := call.EndTime().Sub(call.StartTime()); d != 3*time.Second {
			t.Errorf("the call took %v, want both waits", d)
		}

		attempts := l.of(trace.SpanKindClient)
		var told []string
		for _, a := range attempts {
			if a.Parent().SpanID() != call.SpanContext().SpanID() || a.SpanContext().TraceID() != call.SpanContext().TraceID() {
				t.Errorf("attempt %v is not under the call", a.Attributes())
			}
			told = append(told, attr(a, "http.response.status_code")+" "+attr(a, "http.request.resend_count"))
		}
		if want := []string{"503 ", "429 1", "200 2"}; !slices.Equal(told, want) {
			t.Errorf("attempts %q, want %q", told, want)
		}

		var events []string
		for _, e := range call.Events() {
			events = append(events, e.Name+" at "+e.Time.Sub(start).String()+" "+show(e.Attributes))
		}
		wantEvents := []string{
			"safetrip.retry at 0s http.response.status_code=503 safetrip.attempt=2 safetrip.category=system safetrip.wait=1",
			"safetrip.retry at 1s http.response.status_code=429 safetrip.attempt=3 safetrip.category=rate_limit safetrip.wait=2",
		}
		if !slices.Equal(events, wantEvents) {
			t.Errorf("events\n%s\nwant\n%s", strings.Join(events, "\n"), strings.Join(wantEvents, "\n"))
		}
	})
}

func TestACallSaysWhyItGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t)
		send(t, l.chain(answers(503), steady.Wrap), get(t, "http://api.example.com"))
		want := "error.type=503 http.request.method=GET http.response.status_code=503 safetrip.attempts=3 safetrip.category=system " +
			"safetrip.gave_up=attempts safetrip.severity=high safetrip.source=origin server.address=api.example.com server.port=80"
		if call := l.only(trace.SpanKindInternal); show(call.Attributes()) != want || call.Status().Code != codes.Error {
			t.Errorf("call %v with\n%s\nwant\n%s", call.Status(), show(call.Attributes()), want)
		}
	})
}

func TestAnOpenCircuitIsACallWithoutAttempts(t *testing.T) {
	l := listen(t)
	breaker := &transport.Breaker{FailureThreshold: 1}
	rt := l.chain(answers(503), transport.Retry{MaxAttempts: -1}.Wrap, breaker.Wrap)
	send(t, rt, get(t, "http://api.example.com"))
	send(t, rt, get(t, "http://api.example.com"))

	if n := len(l.of(trace.SpanKindClient)); n != 1 {
		t.Errorf("%d attempts, want the one before the circuit opened", n)
	}
	refused := l.of(trace.SpanKindInternal)[1]
	for key, want := range map[string]string{
		"safetrip.attempts": "0", "safetrip.circuit.state": "open", "safetrip.circuit.key": "http://api.example.com",
		"safetrip.category": "circuit_open", "error.type": "circuit_open", "safetrip.source": "", "http.response.status_code": "",
	} {
		if got := attr(refused, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if s := refused.Status(); s.Code != codes.Error || !strings.Contains(s.Description, "circuit") {
		t.Errorf("status %v", s)
	}
}

func TestACallSaysWhoAnswered(t *testing.T) {
	l := listen(t)
	stale := func(next http.RoundTripper) http.RoundTripper {
		return transport.Func(func(req *http.Request) (*http.Response, error) {
			if _, err := next.RoundTrip(req); err == nil {
				t.Error("the service should be down")
			}
			transport.TripFrom(req.Context()).SetAnswer(transport.Answer{Source: transport.SourceCache, Step: "stale", Level: transport.Degraded})
			return reply(req, 200), nil
		})
	}
	send(t, l.chain(answers(errors.New("down")), stale), get(t, "http://api.example.com"))
	call := l.only(trace.SpanKindInternal)
	for key, want := range map[string]string{
		"safetrip.source": "cache", "safetrip.step": "stale", "safetrip.level": "degraded", "http.response.status_code": "200", "error.type": "",
	} {
		if got := attr(call, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if call.Status().Code != codes.Unset {
		t.Errorf("status %v: the caller was answered", call.Status())
	}
}

// A redirect's hops share a Trip. That the first one came from a cache is not
// true of the second.
func TestAHopIsAnsweredByWhoAnswersIt(t *testing.T) {
	l := listen(t)
	first := true
	cache := func(next http.RoundTripper) http.RoundTripper {
		return transport.Func(func(req *http.Request) (*http.Response, error) {
			if !first {
				return next.RoundTrip(req)
			}
			first = false
			trip := transport.TripFrom(req.Context())
			trip.SetAnswer(transport.Answer{Source: transport.SourceCache, Step: "cached", Level: transport.Degraded})
			trip.SetGaveUp(transport.ReasonVerdict)
			trip.SetLeader(req.Context())
			return reply(req, 302), nil
		})
	}
	req := get(t, "http://api.example.com")
	ctx, _ := transport.NewTrip(req.Context())
	rt := l.chain(answers(200), cache)
	send(t, rt, req.WithContext(ctx))
	send(t, rt, req.WithContext(ctx))
	calls := l.of(trace.SpanKindInternal)
	for i, want := range []string{"cache cached degraded verdict", "origin   "} {
		c := calls[i]
		got := strings.Join([]string{attr(c, "safetrip.source"), attr(c, "safetrip.step"), attr(c, "safetrip.level"), attr(c, "safetrip.gave_up")}, " ")
		if got != want || len(c.Links()) != 1-i {
			t.Errorf("hop %d: %q and %d links, want %q", i, got, len(c.Links()), want)
		}
	}
}

func TestASharedAnswerIsLinkedToTheCallThatGotIt(t *testing.T) {
	l := listen(t)
	var calling []context.Context
	share := func(http.RoundTripper) http.RoundTripper {
		return transport.Func(func(req *http.Request) (*http.Response, error) {
			if calling = append(calling, req.Context()); len(calling) > 1 {
				transport.TripFrom(req.Context()).SetLeader(calling[0])
			}
			return reply(req, 200), nil
		})
	}
	rt := l.chain(answers(200), share)
	send(t, rt, get(t, "http://api.example.com"))
	send(t, rt, get(t, "http://api.example.com"))
	calls := l.of(trace.SpanKindInternal)
	if n := len(calls[0].Links()); n != 0 {
		t.Errorf("the leader has %d links", n)
	}
	links := calls[1].Links()
	if len(links) != 1 || !links[0].SpanContext.Equal(calls[0].SpanContext()) {
		t.Errorf("the follower's links are %v, want one to %v", links, calls[0].SpanContext())
	}
}

func TestACallIsNamedByItsOperation(t *testing.T) {
	l := listen(t)
	req := get(t, "http://api.example.com/users/7")
	rt := l.chain(answers(200))
	names := []string{"load user", "save user", ""}
	for _, name := range names {
		send(t, rt, req.WithContext(transport.WithOperation(req.Context(), name)))
	}
	for i, call := range l.of(trace.SpanKindInternal) {
		if want := cmp.Or(names[i], "GET"); call.Name() != want || attr(call, "safetrip.operation") != names[i] {
			t.Errorf("call %q, operation %q, want %q", call.Name(), attr(call, "safetrip.operation"), want)
		}
	}
}

func TestACallJoinsTheTripThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t)
		req := get(t, "http://api.example.com")
		ctx, trip := transport.NewTrip(req.Context())
		req = req.WithContext(ctx)
		rt := l.chain(answers(503, 200, 200), steady.Wrap)
		resp := send(t, rt, req)
		if transport.TripOf(resp) != trip || len(trip.Attempts()) != 2 {
			t.Errorf("the caller's trip has %d attempts, want 2", len(trip.Attempts()))
		}
		// The next hop of a redirect has the same context.
		send(t, rt, req)
		calls := l.of(trace.SpanKindInternal)
		if got := attr(calls[0], "safetrip.attempts") + attr(calls[1], "safetrip.attempts"); got != "21" || len(calls[1].Events()) != 0 {
			t.Errorf("two calls with one trip have %s attempts, want 2 and 1; events of the second: %v", got, calls[1].Events())
		}
	})
}

// Whoever asked for no Trip finds none: the request in the response is the
// caller's own.
func TestTheResponseHasTheCallersRequest(t *testing.T) {
	l := listen(t)
	req := get(t, "http://api.example.com")
	resp := send(t, l.chain(answers(200)), req)
	if resp.Request != req {
		t.Error("the response has another request")
	}
	if transport.TripOf(resp) != nil {
		t.Error("the caller has a trip that it did not ask for")
	}
}

func TestAttemptsAreNotClaimedWhereNobodyCounts(t *testing.T) {
	l := listen(t)
	send(t, l.chain(answers(200)), get(t, "http://api.example.com"))
	if got := attr(l.only(trace.SpanKindInternal), "safetrip.attempts"); got != "" {
		t.Errorf("there is no Retry in the chain, and yet %s attempts", got)
	}
}

func TestAPanicEndsTheSpansAndPasses(t *testing.T) {
	l := listen(t)
	rt := l.chain(transport.Func(func(*http.Request) (*http.Response, error) { panic("base") }))
	func() {
		defer func() {
			if got := recover(); got != "base" {
				t.Errorf("the panic became %v", got)
			}
		}()
		send(t, rt, get(t, "http://api.example.com"))
	}()
	for _, kind := range []trace.SpanKind{trace.SpanKindClient, trace.SpanKindInternal} {
		if s := l.only(kind); attr(s, "error.type") != "panic" || s.Status().Code != codes.Error {
			t.Errorf("%v: error.type %q, status %v", kind, attr(s, "error.type"), s.Status())
		}
	}
}

func TestSpansHangUnderTheCallersSpan(t *testing.T) {
	l := listen(t)
	ctx, caller := l.traces.Tracer("caller").Start(t.Context(), "caller")
	send(t, l.chain(answers(200)), get(t, "http://api.example.com").WithContext(ctx))
	caller.End()
	call := l.only(trace.SpanKindInternal)
	if call.Parent().SpanID() != caller.SpanContext().SpanID() || call.SpanContext().TraceID() != caller.SpanContext().TraceID() {
		t.Error("the call is not under the caller's span")
	}
}

func TestSamplersSeeTheAttributesAtCreation(t *testing.T) {
	l := listen(t)
	req := get(t, "http://api.example.com/v1?sig=hunter2")
	req.Method = "PURGE"
	send(t, l.chain(answers(200)), req.WithContext(transport.WithOperation(req.Context(), "purge")))
	want := []string{
		"purge: http.request.method=_OTHER safetrip.operation=purge server.address=api.example.com server.port=80",
		"HTTP: http.request.method=_OTHER http.request.method_original=PURGE server.address=api.example.com server.port=80 url.full=http://api.example.com/v1?sig=REDACTED",
	}
	var seen []string
	for _, p := range l.sampler.all() {
		seen = append(seen, p.Name+": "+show(p.Attributes))
	}
	if !slices.Equal(seen, want) {
		t.Errorf("the sampler saw\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}
