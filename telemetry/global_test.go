package telemetry_test

import (
	"os"
	"os/exec"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// Global providers are set once in a program's life, so this is a program of
// its own.
func TestGlobalProvidersMayComeLater(t *testing.T) {
	const inside = "SAFETRIP_TEST_GLOBAL"
	if os.Getenv(inside) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}

	rt := transport.Chain(answers(200), telemetry.Call{}.Wrap, telemetry.Attempt{}.Wrap)
	unregister, err := telemetry.Observers{Cache: func() transport.CacheState { return transport.CacheState{Entries: 1} }}.Register()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unregister(); err != nil {
			t.Error(err)
		}
	}()
	for range 1000 { // nobody listens, and the wrappers know it
		send(t, rt, get(t, "http://api.example.com"))
	}
	l := listen(t)
	otel.SetTracerProvider(l.traces)
	otel.SetMeterProvider(l.metrics)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	send(t, rt, get(t, "http://api.example.com"))

	for _, kind := range []trace.SpanKind{trace.SpanKindClient, trace.SpanKindInternal} {
		l.only(kind) // with all attributes at its creation: see listener.check
	}
	expect(t, l, "safetrip.cache.entries", "1")
	if n := len(l.series("http.client.request.duration")); n != 1 {
		t.Errorf("%d durations, want that of the call after the providers came", n)
	}
}
