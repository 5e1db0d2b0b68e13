package telemetry_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

func expect(t *testing.T, l *listener, metric string, want ...string) {
	t.Helper()
	if got := l.series(metric); !slices.Equal(got, want) {
		t.Errorf("%s is\n\t%s\nwant\n\t%s", metric, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestDurationIsRecordedForEveryAttempt(t *testing.T) {
	l := listen(t)
	rt := l.attempt().Wrap(answers(200, 200, 404, errors.New("x")))
	for range 4 {
		send(t, rt, get(t, "http://api.example.com/"))
	}
	expect(t, l, "http.client.request.duration",
		"error.type=404 http.request.method=GET http.response.status_code=404 network.protocol.version=1.1 server.address=api.example.com server.port=80 1",
		"error.type=business_logic http.request.method=GET server.address=api.example.com server.port=80 1",
		"http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 server.address=api.example.com server.port=80 2",
	)
}

func TestDurationIsThatOfTheSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t)
		send(t, l.chain(transport.Func(func(req *http.Request) (*http.Response, error) {
			time.Sleep(aWhile)
			return reply(req, 200), nil
		})), get(t, "http://api.example.com"))
		for metric, kind := range map[string]trace.SpanKind{"http.client.request.duration": trace.SpanKindClient, "safetrip.call.duration": trace.SpanKindInternal} {
			sum := l.histogram(metric).Sum
			s := l.only(kind)
			if d := s.EndTime().Sub(s.StartTime()); sum != d.Seconds() || d != aWhile {
				t.Errorf("%s has %vs, the span has %v, the call took %v", metric, sum, d, aWhile)
			}
		}
	})
}

func TestExemplarsLeadToTheSpan(t *testing.T) {
	l := listen(t)
	send(t, l.chain(answers(200)), get(t, "http://api.example.com"))
	for metric, kind := range map[string]trace.SpanKind{"http.client.request.duration": trace.SpanKindClient, "safetrip.call.duration": trace.SpanKindInternal} {
		exemplars := l.histogram(metric).Exemplars
		span := l.only(kind).SpanContext().SpanID()
		if len(exemplars) != 1 || trace.SpanID(exemplars[0].SpanID) != span {
			t.Errorf("%s: exemplars %v, want one of span %v", metric, exemplars, span)
		}
	}
}

func TestActiveRequestsGoUpAndDown(t *testing.T) {
	l := listen(t)
	a := l.attempt()
	a.OptIn.ActiveRequests = true
	const series = "http.request.method=GET server.address=api.example.com server.port=80 "
	rt := a.Wrap(transport.Func(func(req *http.Request) (*http.Response, error) {
		expect(t, l, "http.client.active_requests", series+"1")
		return reply(req, 200), nil
	}))
	send(t, rt, get(t, "http://api.example.com"))
	expect(t, l, "http.client.active_requests", series+"0")
}

func TestBodySizes(t *testing.T) {
	const series = "http.request.method=POST http.response.status_code=200 network.protocol.version=1.1 server.address=api.example.com server.port=80 "
	for _, c := range []struct {
		sentence         string
		body             io.Reader
		change           func(*http.Response)
		request, respond string
	}{
		{"no bodies are 0 bytes", nil, func(*http.Response) {}, "1 of 0", "1 of 0"},
		{"a declared length is taken at its word", strings.NewReader("four"), func(r *http.Response) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("fives")), 5
		}, "1 of 4", "1 of 5"},
		{"an undeclared response is counted, an undeclared request is not", io.MultiReader(strings.NewReader("four")), func(r *http.Response) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("sixsix")), -1
		}, "", "1 of 6"},
		{"nobody knows what was transferred of a body that was decompressed", nil, func(r *http.Response) {
			r.Body, r.ContentLength, r.Uncompressed = io.NopCloser(strings.NewReader("sixsix")), -1, true
		}, "1 of 0", ""},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			l := listen(t)
			a := l.attempt()
			a.OptIn.BodySizes = true
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://api.example.com", c.body)
			if err != nil {
				t.Fatal(err)
			}
			if c.body != nil && req.ContentLength == 0 {
				req.ContentLength = -1
			}
			resp, err := a.Wrap(transport.Func(func(req *http.Request) (*http.Response, error) {
				resp := reply(req, 200)
				c.change(resp)
				return resp, nil
			})).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			for metric, want := range map[string]string{"http.client.request.body.size": c.request, "http.client.response.body.size": c.respond} {
				if want == "" {
					expect(t, l, metric)
				} else {
					expect(t, l, metric, series+want)
				}
			}
		})
	}
}

func TestTheKitsOwnMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t)
		breaker := &transport.Breaker{FailureThreshold: 3, OnChange: telemetry.CircuitChanges(l.metrics)}
		stepDown := func(next http.RoundTripper) http.RoundTripper {
			return transport.Func(func(req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if err == nil {
					return resp, nil
				}
				transport.TripFrom(req.Context()).SetAnswer(transport.Answer{Source: transport.SourceStatic, Step: "sorry", Level: transport.Degraded})
				return reply(req, 200), nil
			})
		}
		rt := l.chain(answers(503, 200, 200, 503), stepDown, steady.Wrap, breaker.Wrap)
		for range 4 { // a retry, a success, three attempts that open the circuit, a refusal
			req := get(t, "http://api.example.com")
			send(t, rt, req.WithContext(transport.WithOperation(req.Context(), "load")))
		}

		const at = "server.address=api.example.com server.port=80 "
		const load = "http.request.method=GET safetrip.operation=load "
		expect(t, l, "safetrip.attempts", load+at+"6")
		expect(t, l, "safetrip.retries", "safetrip.category=system "+at+"3")
		expect(t, l, "safetrip.fallbacks", "safetrip.source=static safetrip.step=sorry "+at+"1")
		expect(t, l, "safetrip.errors", "safetrip.category=system safetrip.severity=high "+at+"1")
		expect(t, l, "safetrip.gave_up", "safetrip.gave_up=attempts "+at+"1", "safetrip.gave_up=verdict "+at+"1")
		expect(t, l, "safetrip.circuit.changes", "safetrip.circuit.state=open 1")
		expect(t, l, "safetrip.call.duration",
			"error.type=503 http.request.method=GET safetrip.level=full safetrip.operation=load safetrip.source=origin "+at+"1",
			"http.request.method=GET safetrip.level=degraded safetrip.operation=load safetrip.source=static "+at+"1",
			"http.request.method=GET safetrip.level=full safetrip.operation=load safetrip.source=origin "+at+"2",
		)
	})
}

func TestSeriesAreBounded(t *testing.T) {
	l := listen(t)
	rt := l.chain(answers(200))
	for i := range 10_000 {
		send(t, rt, get(t, fmt.Sprintf("http://host-%d.example.com/", i)))
	}
	for i := range 1_000 {
		req := get(t, fmt.Sprintf("http://host-%d.example.com:%d/", i, i))
		req.Method = fmt.Sprintf("M%d", i)
		send(t, rt, req.WithContext(transport.WithOperation(req.Context(), fmt.Sprint("operation ", i))))
	}
	for name := range l.collect() {
		series := l.series(name)
		// 100 hosts and the rest; GET or _OTHER; 100 operations and the rest, or none.
		if n := len(series); n > 400 {
			t.Errorf("%s has %d series", name, n)
		}
		if !slices.ContainsFunc(series, func(s string) bool { return strings.Contains(s, "server.address=_OTHER server.port=0") }) {
			t.Errorf("%s: hosts beyond the limit are not folded", name)
		}
	}
}

// What is kept ready for one host after the other is bounded too.
func TestMemoryIsBounded(t *testing.T) {
	provider := metrics()
	rt := telemetry.Call{MeterProvider: provider}.Wrap(telemetry.Attempt{MeterProvider: provider}.Wrap(answers(200)))
	visit := func(from, to int) uint64 {
		for i := range to - from {
			send(t, rt, get(t, fmt.Sprintf("http://host-%d.example.com/", from+i)))
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	few := visit(0, 5_000)
	many := visit(5_000, 15_000)
	if grown := int64(many) - int64(few); grown > 1<<20 {
		t.Errorf("10,000 more hosts hold %d bytes more", grown)
	}
}

func TestMetricsAreMadeWhereAViewLeavesOne(t *testing.T) {
	l := listen(t)
	drop := sdkmetric.NewView(sdkmetric.Instrument{Name: "safetrip.call.duration"}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationDrop{}})
	l.reader = sdkmetric.NewManualReader()
	l.metrics = sdkmetric.NewMeterProvider(sdkmetric.WithReader(l.reader), sdkmetric.WithView(drop))
	c := telemetry.Call{MeterProvider: l.metrics}
	send(t, c.Wrap(steady.Wrap(answers(200))), get(t, "http://api.example.com"))
	expect(t, l, "safetrip.attempts", "http.request.method=GET server.address=api.example.com server.port=80 1")
}

func TestMaxHostsCanFoldAll(t *testing.T) {
	l := listen(t)
	a := l.attempt()
	a.MaxHosts = -1
	send(t, a.Wrap(answers(200)), get(t, "http://api.example.com"))
	expect(t, l, "http.client.request.duration",
		"http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 server.address=_OTHER server.port=0 1")
	if got := attr(l.only(trace.SpanKindClient), "server.address"); got != "api.example.com" {
		t.Errorf("the span names %s, want the host", got)
	}
}
