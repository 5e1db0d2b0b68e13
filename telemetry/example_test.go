package telemetry_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// A call that fails once and then goes well: one span for the call, and one
// for each attempt.
func Example() {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))

	client := &http.Client{Transport: transport.Chain(answers(503, 200),
		telemetry.Call{TracerProvider: provider}.Wrap,
		transport.Retry{BaseDelay: -1}.Wrap,
		telemetry.Attempt{TracerProvider: provider}.Wrap,
	)}
	visit(transport.WithOperation(context.Background(), "load user"), client, "https://api.example.com/users/7")

	fmt.Print(told(spans))
	// Output:
	// client GET: status 503, resend 0
	// client GET: status 200, resend 1
	// internal load user: status 200, attempts 2
}

// Attempt is told all it needs by its zero value. Here it shows what the user
// asked for beyond that.
func ExampleAttempt() {
	spans := tracetest.NewSpanRecorder()
	attempt := telemetry.Attempt{
		TracerProvider:  sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
		Template:        func(*http.Request) string { return "/users/{id}" },
		SecretQueryKeys: []string{"pin"},
		OptIn:           telemetry.OptIn{Scheme: true},
	}
	client := &http.Client{Transport: attempt.Wrap(answers(200))}
	visit(context.Background(), client, "https://bob:hunter2@api.example.com/users/7?pin=1234&page=2")

	span := spans.Ended()[0]
	fmt.Println(span.Name())
	for _, a := range span.Attributes() {
		if a.Key == "url.full" || a.Key == "url.scheme" {
			fmt.Println(a.Key, a.Value.String())
		}
	}
	// Output:
	// GET /users/{id}
	// url.full https://REDACTED:REDACTED@api.example.com/users/7?pin=REDACTED&page=2
	// url.scheme https
}

// The kit's own metrics tell calls from attempts: one call took three.
func ExampleCall() {
	reader := sdkmetric.NewManualReader()
	call := telemetry.Call{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))}

	client := &http.Client{Transport: transport.Chain(answers(503, 503, 200), call.Wrap, transport.Retry{BaseDelay: -1}.Wrap)}
	visit(context.Background(), client, "https://api.example.com/")

	fmt.Print(sums(reader, "safetrip.attempts", "safetrip.retries"))
	// Output:
	// safetrip.attempts 3
	// safetrip.retries 2
}

// Circuits are not in a call's path: they are looked at when metrics are
// collected, and listened to when they change.
func ExampleObservers() {
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	breaker := &transport.Breaker{FailureThreshold: 1, OnChange: telemetry.CircuitChanges(provider)}
	unregister, err := telemetry.Observers{MeterProvider: provider, Circuits: breaker.States}.Register()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := unregister(); err != nil {
			fmt.Println(err)
		}
	}()

	client := &http.Client{Transport: breaker.Wrap(answers(503))}
	for range 3 {
		visit(context.Background(), client, "https://api.example.com/")
	}

	fmt.Print(sums(reader, "safetrip.circuit.changes", "safetrip.circuit.failures", "safetrip.circuit.rejected"))
	// Output:
	// safetrip.circuit.changes 1
	// safetrip.circuit.failures 1
	// safetrip.circuit.rejected 2
}

func ExampleLogs() {
	plain := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	logger := slog.New(telemetry.Logs(plain))

	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{0xcd}})
	ctx := trace.ContextWithSpanContext(context.Background(), span)
	logger.WarnContext(ctx, "retrying", "in", "1s")
	// Output:
	// level=WARN msg=retrying in=1s trace_id=ab000000000000000000000000000000 span_id=cd00000000000000
}

// The classic mistake: Attempt outside of Retry. There is one span for both
// attempts; it says that all is well, and the failure cannot be seen.
func Example_wrongOrder() {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))

	client := &http.Client{Transport: transport.Chain(answers(503, 200),
		telemetry.Call{TracerProvider: provider}.Wrap,
		telemetry.Attempt{TracerProvider: provider}.Wrap, // wrong: it belongs under Retry
		transport.Retry{BaseDelay: -1}.Wrap,
	)}
	visit(context.Background(), client, "https://api.example.com/users/7")

	fmt.Print(told(spans))
	// Output:
	// client GET: status 200, resend 0
	// internal GET: status 200, attempts 2
}

// visit makes a GET request and does not care what comes of it.
func visit(ctx context.Context, client *http.Client, url string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
	}
}

func told(spans *tracetest.SpanRecorder) string {
	var b strings.Builder
	for _, s := range spans.Ended() {
		set := attribute.NewSet(s.Attributes()...)
		status, _ := set.Value("http.response.status_code")
		fmt.Fprintf(&b, "%v %s: status %d, ", s.SpanKind(), s.Name(), status.AsInt64())
		if s.SpanKind() == trace.SpanKindClient {
			resend, _ := set.Value("http.request.resend_count")
			fmt.Fprintf(&b, "resend %d\n", resend.AsInt64())
			continue
		}
		attempts, _ := set.Value("safetrip.attempts")
		fmt.Fprintf(&b, "attempts %d\n", attempts.AsInt64())
	}
	return b.String()
}

// sums returns the totals of some counters, over all of their series.
func sums(reader *sdkmetric.ManualReader, names ...string) string {
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		panic(err)
	}
	totals := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok {
				for _, p := range sum.DataPoints {
					totals[m.Name] += p.Value
				}
			}
		}
	}
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintln(&b, name, totals[name])
	}
	return b.String()
}
