package transport

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// stub answers at once with the same response, so that what is measured is
// what stands around it.
func stub() Func {
	resp := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}}
	return func(*http.Request) (*http.Response, error) { return resp, nil }
}

// wrappers are what is measured: each alone, and together.
func wrappers() []struct {
	name string
	rt   http.RoundTripper
} {
	var stats Stats
	var alone, chained Breaker
	return []struct {
		name string
		rt   http.RoundTripper
	}{
		{"base", stub()},
		{"Retry", Retry{}.Wrap(stub())},
		{"Breaker", alone.Wrap(stub())},
		{"Record", Record{Stats: &stats}.Wrap(stub())},
		{"chain", Chain(stub(), Record{Stats: new(Stats)}.Wrap, Retry{}.Wrap, chained.Wrap, Buffer{}.Wrap)},
	}
}

// rich returns a request as programs send them: with a context that can be
// canceled and with headers.
func rich(tb testing.TB) *http.Request {
	ctx, cancel := context.WithCancel(tb.Context())
	tb.Cleanup(cancel)
	req := get(tb, "https://api.example.com/v1/users").WithContext(ctx)
	for i := range 6 {
		req.Header.Set(fmt.Sprintf("X-Header-%d", i), "value")
	}
	return req
}

func TestTheHappyPathAllocatesNothing(t *testing.T) {
	for _, w := range wrappers() {
		for name, req := range map[string]*http.Request{"plain": get(t, "https://api.example.com"), "with context and headers": rich(t)} {
			if n := testing.AllocsPerRun(500, func() { w.rt.RoundTrip(req) }); n != 0 {
				t.Errorf("%s, %s: %v allocations, want none", w.name, name, n)
			}
		}
	}
}

func TestTimeoutAllocatesLittle(t *testing.T) {
	base := Func(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	req := rich(t)
	bare := testing.AllocsPerRun(500, func() { base.RoundTrip(req) })
	rt := Timeout{Headers: 10 * time.Second}.Wrap(base)
	if n := testing.AllocsPerRun(500, func() { rt.RoundTrip(req) }); n-bare > 6 {
		t.Errorf("%v allocations more than the base, want at most 6", n-bare)
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	for _, w := range wrappers() {
		b.Run(w.name, func(b *testing.B) {
			req := get(b, "https://api.example.com/v1/users")
			b.ReportAllocs()
			for b.Loop() {
				w.rt.RoundTrip(req)
			}
		})
	}
	for _, w := range wrappers() {
		b.Run(w.name+" with context and headers", func(b *testing.B) {
			req := rich(b)
			b.ReportAllocs()
			for b.Loop() {
				w.rt.RoundTrip(req)
			}
		})
	}
	for _, w := range wrappers() {
		b.Run(w.name+" in parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				req := get(b, "https://api.example.com/v1/users")
				for pb.Next() {
					w.rt.RoundTrip(req)
				}
			})
		})
	}
}

func BenchmarkTimeout(b *testing.B) {
	resp := http.Response{StatusCode: http.StatusOK, Body: http.NoBody}
	base := Func(func(*http.Request) (*http.Response, error) { r := resp; return &r, nil })
	rt := Timeout{Headers: 10 * time.Second}.Wrap(base)
	req := rich(b)
	b.ReportAllocs()
	for b.Loop() {
		rt.RoundTrip(req)
	}
}

// BenchmarkRetry is 503, 503, 200 without waits.
func BenchmarkRetry(b *testing.B) {
	ok := &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}
	busy := &http.Response{StatusCode: 503, Body: http.NoBody, Header: http.Header{}}
	for _, bench := range []struct {
		name string
		wrap Middleware
	}{
		{"three calls of the base", func(rt http.RoundTripper) http.RoundTripper {
			return Func(func(req *http.Request) (*http.Response, error) {
				rt.RoundTrip(req)
				rt.RoundTrip(req)
				return rt.RoundTrip(req)
			})
		}},
		{"without a budget", Retry{BaseDelay: -1, Budget: &Budget{Ratio: -1}}.Wrap},
		{"with a budget", Retry{BaseDelay: -1, Budget: &Budget{Floor: 1 << 30}}.Wrap},
	} {
		b.Run(bench.name, func(b *testing.B) {
			n := 0
			rt := bench.wrap(Func(func(*http.Request) (*http.Response, error) {
				if n++; n%3 != 0 {
					return busy, nil
				}
				return ok, nil
			}))
			req := get(b, "https://api.example.com")
			b.ReportAllocs()
			for b.Loop() {
				rt.RoundTrip(req)
			}
		})
	}
}

func BenchmarkRejection(b *testing.B) {
	open := func() http.RoundTripper {
		breaker := Breaker{FailureThreshold: 1}
		rt := breaker.Wrap(script(503))
		send(b, rt, get(b, "https://api.example.com"))
		return rt
	}
	b.Run("alone", func(b *testing.B) {
		rt, req := open(), get(b, "https://api.example.com")
		b.ReportAllocs()
		for b.Loop() {
			rt.RoundTrip(req)
		}
	})
	b.Run("in parallel", func(b *testing.B) {
		rt := open()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			req := get(b, "https://api.example.com")
			for pb.Next() {
				rt.RoundTrip(req)
			}
		})
	})
}

// circuitBytes returns how much memory one of n circuits takes.
func circuitBytes(n int) float64 {
	keys := make([]hostKey, n)
	for i := range keys {
		keys[i] = hostKey{"https", fmt.Sprintf("host-%d.example.com", i)}
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var b Breaker
	b.init()
	before := heap()
	for _, k := range keys {
		b.circuit(k)
	}
	after := heap()
	runtime.KeepAlive(keys)
	runtime.KeepAlive(&b)
	return float64(after-before) / float64(n)
}

func TestACircuitIsSmall(t *testing.T) {
	before := runtime.NumGoroutine()
	got := circuitBytes(10_000)
	t.Logf("a keyed circuit takes %.0f bytes", got)
	if got > 300 {
		t.Errorf("a keyed circuit takes %.0f bytes", got)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines more than before", after-before)
	}
}

func BenchmarkCircuit(b *testing.B) {
	var got float64
	for b.Loop() {
		got = circuitBytes(10_000)
	}
	b.ReportMetric(got, "B/circuit")
}

func BenchmarkClassify(b *testing.B) {
	req := get(b, "http://a.test")
	for _, bench := range []struct {
		name string
		resp *http.Response
		err  error
	}{
		{"200", &http.Response{StatusCode: 200}, nil},
		{"503", &http.Response{StatusCode: 503, Header: http.Header{}}, nil},
		{"refused", nil, errRefused},
		{"unknown", nil, errBoom},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Classify(req, bench.resp, bench.err)
			}
		})
	}
}
