package healthz

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// quiet turns the machine's checks off: what it does is no business of a test.
var quiet = Thresholds{CPU: Bounds{-1, -1}, Memory: Bounds{-1, -1}, Disk: Bounds{-1, -1}}

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// start runs m until the test ends, and waits for its first run.
func start(tb testing.TB, m *Monitor) (stop func()) {
	tb.Helper()
	if m.Logger == nil {
		m.Logger = silent
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Errorf("Run returned %v", err)
		}
	})
	tb.Cleanup(stop)
	return stop
}

// settled is start, and a wait until nothing more happens by itself. It is for
// a synctest bubble.
func settled(t *testing.T, m *Monitor) (stop func()) {
	t.Helper()
	stop = start(t, m)
	synctest.Wait()
	return stop
}

func get(m http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w
}

// A script is a check whose results are set by the test.
type script struct {
	mu   sync.Mutex
	res  Result
	runs int
}

func (s *script) set(r Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.res = r
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs
}

func (s *script) check(name string) Check {
	return Check{Name: name, Run: func(context.Context) Result {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.runs++
		return s.res
	}}
}

// An ear is a sink that remembers.
type ear struct {
	mu     sync.Mutex
	alerts []Alert
}

func (e *ear) sink(_ context.Context, a Alert) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.alerts = append(e.alerts, a)
}

func (e *ear) heard() []Alert {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Alert(nil), e.alerts...)
}

// interval is the default, and a jitter more.
const interval = 33*time.Second + time.Millisecond

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
