package healthz

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// crowd is a running Monitor with n checks, one of which hangs.
func crowd(tb testing.TB, n int) (m *Monitor, runs func() int) {
	tb.Helper()
	var mu sync.Mutex
	count := 0
	release := make(chan struct{})
	m = &Monitor{Thresholds: quiet, Detail: func(r *http.Request) bool { return r.Header.Get("X-Detail") != "" }}
	m.Checks = append(m.Checks, Check{Name: "hangs", Timeout: 10 * time.Millisecond, Run: func(context.Context) Result {
		mu.Lock()
		count++
		mu.Unlock()
		<-release
		return Result{}
	}})
	for i := range n - 1 {
		m.Checks = append(m.Checks, Check{Name: fmt.Sprintf("check-%d", i), Run: func(context.Context) Result {
			return Result{Value: float64(i), Threshold: 100, Unit: "%"}
		}})
	}
	start(tb, m)
	tb.Cleanup(func() { close(release) }) // before start's
	for m.ask(question{probe: probes[0]}, time.Now()).reason != "" {
		runtime.Gosched()
	}
	return m, func() int { mu.Lock(); defer mu.Unlock(); return count }
}

func TestTenThousandProbesWhileACheckHangs(t *testing.T) {
	m, runs := crowd(t, 50)
	const limit = 50 * time.Millisecond
	for round := 1; ; round++ { // the machine is not ours alone
		p50, p99 := storm(t, m)
		t.Logf("p50 %v, p99 %v", p50, p99)
		if p99 <= limit || raceEnabled {
			break
		}
		if round == 5 {
			t.Errorf("p99 is %v, want at most %v", p99, limit)
			break
		}
	}
	if n := runs(); n != 1 {
		t.Errorf("the check that hangs ran %d times", n)
	}
}

// storm sends ten thousand probes, 64 at a time.
func storm(t *testing.T, m *Monitor) (p50, p99 time.Duration) {
	t.Helper()
	const all, atOnce = 10_000, 64
	took := make([]time.Duration, all)
	var wg sync.WaitGroup
	for worker := range atOnce {
		wg.Go(func() {
			for i := worker; i < all; i += atOnce {
				begin := time.Now()
				w := get(m, "/healthz")
				took[i] = time.Since(begin)
				if w.Code != http.StatusServiceUnavailable {
					t.Errorf("status %d while a check hangs", w.Code)
				}
				runtime.Gosched() // between probes, as a server's handlers are, and not within one
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	return took[all/2], took[all*99/100]
}

func TestAProbeIsQuick(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("a figure for programs without the race detector")
	}
	m, _ := crowd(t, 50)
	for _, accept := range []string{"*/*", "text/plain", "application/health+json"} {
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Header.Set("Accept", accept)
		best := time.Hour // of many rounds: the machine is not ours alone
		for range 30 {
			begin := time.Now()
			for range 30 {
				m.ServeHTTP(nowhere{}, r)
			}
			best = min(best, time.Since(begin)/30)
		}
		t.Logf("%s: %v", accept, best)
		if best > 100*time.Microsecond {
			t.Errorf("%s: %v a probe, want at most 100 µs", accept, best)
		}
	}
}

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}

func BenchmarkProbe(b *testing.B) {
	m, _ := crowd(b, 50)
	for _, bench := range []struct{ name, path, accept, detail string }{
		{"readyz", "/readyz", "*/*", ""},
		{"text", "/healthz", "text/plain", ""},
		{"json", "/healthz", "*/*", ""},
		{"json with detail", "/healthz", "*/*", "yes"},
		{"page with detail", "/healthz", "text/html", "yes"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, bench.path, nil)
			r.Header.Set("Accept", bench.accept)
			if bench.detail != "" {
				r.Header.Set("X-Detail", bench.detail)
			}
			b.ReportAllocs()
			for b.Loop() {
				m.ServeHTTP(nowhere{}, r)
			}
		})
	}
}
