package healthz

import (
	"context"
	"errors"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A bubble fails by itself when a goroutine is left in it.
func TestRun(t *testing.T) {
	t.Run("a check runs at once and then about every 30 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			settled(t, &Monitor{Thresholds: quiet, Checks: []Check{s.check("a")}})
			if n := s.count(); n != 1 {
				t.Fatalf("%d runs at once, want 1", n)
			}
			time.Sleep(time.Hour)
			if n := s.count(); n < 115 || n > 126 {
				t.Errorf("%d runs in an hour, want about 120", n)
			}
		})
	})
	t.Run("the runs of two checks drift apart", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var at [2][]time.Time
			m := &Monitor{Thresholds: quiet}
			for i := range at {
				m.Checks = append(m.Checks, Check{Name: string(rune('a' + i)), Run: func(context.Context) Result {
					at[i] = append(at[i], time.Now())
					return Result{}
				}})
			}
			settled(t, m)
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			if !at[0][0].Equal(at[1][0]) || at[0][4].Equal(at[1][4]) {
				t.Errorf("first runs at %v and %v, fifth at %v and %v", at[0][0], at[1][0], at[0][4], at[1][4])
			}
		})
	})
	t.Run("a run ends at its timeout and the check has failed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := &Monitor{Thresholds: quiet, Checks: []Check{{Name: "slow", Timeout: 3 * time.Second, Run: func(ctx context.Context) Result {
				<-ctx.Done()
				return Result{Err: ctx.Err()}
			}}}}
			settled(t, m)
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if c := m.Report().Checks[0]; c.Status != "failed" || !strings.HasPrefix(c.Error, "timeout") {
				t.Errorf("%+v", c)
			}
		})
	})
	t.Run("a check that hangs is not started again until it ended, and leaks nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			runs, release := 0, make(chan struct{})
			m := &Monitor{Thresholds: quiet, Checks: []Check{{Name: "hang", Run: func(context.Context) Result {
				runs++
				<-release
				return Result{}
			}}}}
			settled(t, m)
			time.Sleep(time.Minute)
			before := runtime.NumGoroutine()
			time.Sleep(time.Hour)
			synctest.Wait()
			if runs != 1 || runtime.NumGoroutine() > before {
				t.Errorf("%d runs, %d goroutines more", runs, runtime.NumGoroutine()-before)
			}
			if c := m.Report().Checks[0]; c.Status != "failed" || !strings.HasPrefix(c.Error, "timeout: it has been running for 1 h") {
				t.Errorf("%+v", c)
			}
			close(release)
			time.Sleep(interval)
			if c := m.Report().Checks[0]; runs < 2 || c.Status != "passed" {
				t.Errorf("after it ended: %d runs, %+v", runs, c)
			}
		})
	})
	t.Run("checks do not wait for one another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			hang := Check{Name: "hang", Run: func(ctx context.Context) Result { <-ctx.Done(); return Result{} }}
			settled(t, &Monitor{Thresholds: quiet, Checks: []Check{hang, s.check("quick")}})
			if s.count() != 1 {
				t.Error("the quick one has not run")
			}
		})
	})
	t.Run("a panic fails the check and nothing else", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			m := &Monitor{Thresholds: quiet, Checks: []Check{
				{Name: "panics", Run: func(context.Context) Result { panic("a secret") }},
				{Name: "exits", Run: func(context.Context) Result { runtime.Goexit(); return Result{} }},
				s.check("well"),
			}}
			settled(t, m)
			time.Sleep(interval)
			r := m.Report()
			if r.Checks[0].Error != "system: it panicked" || r.Checks[1].Error != "system: it panicked" || r.Checks[2].Status != "passed" || s.count() != 2 {
				t.Errorf("%+v", r.Checks)
			}
		})
	})
	t.Run("an error whose methods panic fails the check and nothing else", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			typedNil := func(context.Context) error { return (*wrapping)(nil) }
			m := &Monitor{Thresholds: quiet, Checks: []Check{Func("a", typedNil)}}
			settled(t, m)
			time.Sleep(interval)
			if c := m.Report().Checks[0]; c.Error != "system: it panicked" {
				t.Errorf("%+v", c)
			}
		})
	})
	t.Run("so does a Classifier that panics", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := &Monitor{
				Thresholds: quiet, Checks: []Check{Func("a", func(context.Context) error { return errors.New("no") })},
				Classifier: func(*http.Request, *http.Response, error) transport.Verdict { panic("a secret") },
			}
			settled(t, m)
			if c := m.Report().Checks[0]; c.Error != "system: it panicked" {
				t.Errorf("%+v", c)
			}
		})
	})
	t.Run("a check with the longest interval runs once", func(t *testing.T) {
		for range 20 { // as jitter has it
			synctest.Test(t, func(t *testing.T) {
				var s script
				c := s.check("once")
				c.Interval = math.MaxInt64
				m := &Monitor{Thresholds: quiet, Checks: []Check{c}}
				settled(t, m)
				time.Sleep(50 * 365 * 24 * time.Hour)
				if r := m.Report(); s.count() != 1 || r.Status != Healthy {
					t.Errorf("%d runs, %v", s.count(), r.Status)
				}
			})
		}
	})
	t.Run("a verdict that is too old is critical and says so", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			c := s.check("a")
			c.MaxAge, c.WarnOnly = 10*time.Second, true
			m := &Monitor{Thresholds: quiet, Checks: []Check{c}}
			settled(t, m)
			time.Sleep(10 * time.Second)
			if r := m.Report(); r.Status != Healthy {
				t.Errorf("after 10 s: %v", r.Status)
			}
			time.Sleep(time.Second)
			if r := m.Report(); r.Status != Critical || r.Checks[0].Error != "stale: the last verdict is 11 s old" {
				t.Errorf("after 11 s: %v, %+v", r.Status, r.Checks)
			}
		})
	})
	t.Run("a negative MaxAge believes for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			c := s.check("a")
			c.MaxAge, c.Interval = -1, 24*time.Hour
			m := &Monitor{Thresholds: quiet, Checks: []Check{c}}
			settled(t, m)
			time.Sleep(20 * time.Hour)
			if r := m.Report(); r.Status != Healthy {
				t.Errorf("%v, %+v", r.Status, r.Checks)
			}
		})
	})
	t.Run("the worst counts, and a failure that only warns is a warning", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			bad := errors.New("no")
			warn := Func("warn", func(context.Context) error { return bad })
			warn.WarnOnly = true
			m := &Monitor{Thresholds: quiet, Checks: []Check{warn, {Name: "fine", Run: func(context.Context) Result { return Result{} }}}}
			settled(t, m)
			if r := m.Report(); r.Status != Warning || r.Checks[0].Status != "failed" || r.Checks[0].Health != Warning {
				t.Errorf("%v, %+v", r.Status, r.Checks)
			}
			if err := m.Add(Func("bad", func(context.Context) error { return bad })); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if r := m.Report(); r.Status != Critical {
				t.Errorf("%v, %+v", r.Status, r.Checks)
			}
		})
	})
	t.Run("a check that measured no number has failed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := &Monitor{Thresholds: quiet, Checks: []Check{{Name: "a", Run: func(context.Context) Result { return Result{Value: nan, Unit: "%"} }}}}
			settled(t, m)
			if r := m.Report(); r.Status != Critical || len(r.Metrics) != 0 {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("checks come and go while it runs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			m := &Monitor{Thresholds: quiet}
			settled(t, m)
			c := s.check("a")
			if err := m.Add(c); err != nil {
				t.Fatal(err)
			}
			if m.Add(c) == nil {
				t.Error("a name could be taken twice")
			}
			synctest.Wait()
			if s.count() != 1 || len(m.Report().Checks) != 1 {
				t.Errorf("%d runs, %+v", s.count(), m.Report().Checks)
			}
			if !m.Remove("a") || m.Remove("a") {
				t.Error("Remove does not know what it did")
			}
			time.Sleep(time.Hour)
			if s.count() != 1 || len(m.Report().Checks) != 0 {
				t.Errorf("after Remove %d runs, %+v", s.count(), m.Report().Checks)
			}
		})
	})
	t.Run("a check that was added counts for nothing until it ran", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := &Monitor{Thresholds: quiet}
			settled(t, m)
			c := Func("slow", func(context.Context) error { time.Sleep(5 * time.Second); return nil })
			c.Ready = true
			_ = m.Add(c)
			if w := get(m, "/readyz"); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			time.Sleep(6 * time.Second)
		})
	})
	t.Run("a removed check's run is canceled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ended := false
			m := &Monitor{Thresholds: quiet, Checks: []Check{{Name: "a", Run: func(ctx context.Context) Result { <-ctx.Done(); ended = true; return Result{} }}}}
			settled(t, m)
			m.Remove("a")
			synctest.Wait()
			if !ended {
				t.Error("it goes on")
			}
		})
	})
	t.Run("Run cannot run twice at once, but again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			m := &Monitor{Thresholds: quiet, Checks: []Check{s.check("a")}}
			stop := settled(t, m)
			if err := m.Run(context.Background()); !errors.Is(err, ErrRunning) {
				t.Errorf("%v", err)
			}
			stop()
			if w := get(m, "/livez"); w.Code != 503 {
				t.Errorf("after Run: %d %s", w.Code, w.Body)
			}
			settled(t, m)
			if w := get(m, "/readyz"); w.Code != 200 || s.count() != 2 {
				t.Errorf("%d %s, %d runs", w.Code, w.Body, s.count())
			}
		})
	})
	t.Run("Run names what goes on after its end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			m := &Monitor{Thresholds: quiet, Checks: []Check{{Name: "deaf", Run: func(context.Context) Result { <-release; return Result{} }}}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := m.Run(ctx); err == nil || !strings.Contains(err.Error(), "check deaf") {
				t.Errorf("%v", err)
			}
			close(release)
		})
	})
	t.Run("but not a removed check that ended before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := &Monitor{Thresholds: quiet, Checks: []Check{{Name: "deaf", Run: func(context.Context) Result { time.Sleep(20 * time.Second); return Result{} }}}}
			stop := settled(t, m)
			m.Remove("deaf")
			time.Sleep(time.Hour)
			stop() // which wants no error
		})
	})
	t.Run("a run that the end of Run cut short is no failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var e ear
			m := &Monitor{Thresholds: quiet, Alerts: Alerts{Bad: 1, Sinks: []Sink{e.sink}}, Checks: []Check{{Name: "a", Run: func(ctx context.Context) Result {
				<-ctx.Done()
				return Result{Err: ctx.Err()}
			}}}}
			settled(t, m)()
			if len(e.heard()) != 0 || (*m.entries.Load())[0].last.Load() != nil {
				t.Errorf("%+v", e.heard())
			}
		})
	})
}

// A wrapping is an error that cannot be asked for its cause where it is nil, as
// those that functions return by mistake.
type wrapping struct{ cause error }

func (w *wrapping) Error() string { return "wrapping" }
func (w *wrapping) Unwrap() error { return w.cause }

func TestBeforeAndDuringTheFirstRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := Func("slow", func(context.Context) error { time.Sleep(time.Second); return nil })
		m := &Monitor{Thresholds: quiet, Checks: []Check{slow}}
		for _, path := range []string{"/healthz", "/livez", "/readyz", "/healthz/slow"} {
			if w := get(m, path, "Accept", "text/plain"); w.Code != 503 || !strings.Contains(w.Body.String(), "not running: call Run") {
				t.Errorf("%s before Run: %d %s", path, w.Code, w.Body)
			}
		}
		settled(t, m)
		for path, want := range map[string]int{"/healthz": 503, "/livez": 200, "/readyz": 503, "/healthz/slow": 503} {
			if w := get(m, path, "Accept", "text/plain"); w.Code != want {
				t.Errorf("%s during the first run: %d %s, want %d", path, w.Code, w.Body, want)
			}
		}
		time.Sleep(2 * time.Second)
		for _, path := range []string{"/healthz", "/livez", "/readyz", "/healthz/slow"} {
			if w := get(m, path, "Accept", "text/plain"); w.Code != 200 || w.Body.String() != "ok" {
				t.Errorf("%s afterwards: %d %s", path, w.Code, w.Body)
			}
		}
	})
}
