package healthz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHysteresis(t *testing.T) {
	two := Alerts{Bad: 2, Good: 2}
	for _, test := range []struct {
		does  string
		set   Alerts
		runs  string // h, w and c for the statuses in a row
		wants string // the level after each
	}{
		{"one bad run is not enough", two, "hchwh", "hhhhh"},
		{"two in a row are", two, "hcc", "hhc"},
		{"one good run is not enough to recover", two, "cchcc", "hcccc"},
		{"two in a row are", two, "cchh", "hcch"},
		{"what goes back and forth stays where it was", two, "hchchchc", "hhhhhhhh"},
		{"what goes back and forth stays where it was, bad too", two, "cchchchc", "hccccccc"},
		{"two different bad runs reach the milder level", two, "wc", "hw"},
		{"and the worse one with the next", two, "wcc", "hwc"},
		{"from critical to a warning in two", two, "ccww", "hccw"},
		{"from critical to a warning when only one of two is well", two, "cchw", "hccw"},
		{"from critical straight to healthy", two, "cchhh", "hcchh"},
		{"three and one", Alerts{Bad: 3, Good: 1}, "ccch", "hhch"},
		{"one and one", Alerts{Bad: 1, Good: 1}, "chw", "chw"},
	} {
		t.Run(test.does, func(t *testing.T) {
			var d damper
			got := ""
			for _, s := range test.runs {
				_, to, _ := d.step(map[rune]Status{'h': Healthy, 'w': Warning, 'c': Critical}[s], time.Now(), test.set)
				got += to.String()[:1]
			}
			if got != test.wants {
				t.Errorf("%s led to %s, want %s", test.runs, got, test.wants)
			}
		})
	}
}

func TestAlerts(t *testing.T) {
	bad := Result{Status: Critical, Value: 97, Threshold: 90, Unit: "%"}
	t.Run("an alert says what, since when and why; so does the recovery", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			var e ear
			s.set(bad)
			m := &Monitor{Name: "billing", Thresholds: quiet, Checks: []Check{s.check("cpu")}, Alerts: Alerts{Sinks: []Sink{e.sink}}}
			begin := time.Now()
			settled(t, m)
			if len(e.heard()) != 0 || m.Report().Status != Critical {
				t.Fatalf("after one bad run: %+v, %v", e.heard(), m.Report().Status)
			}
			time.Sleep(interval)
			synctest.Wait()
			heard := e.heard()
			if len(heard) != 1 {
				t.Fatalf("after two: %+v", heard)
			}
			a := heard[0]
			if a.Agent != "billing" || a.Check != "cpu" || a.From != Healthy || a.To != Critical || !a.Since.Equal(begin) ||
				a.Overall != Critical || fmt.Sprint(a.Reasons) != "[97 % (threshold 90 %)]" {
				t.Errorf("%+v", a)
			}
			if r := m.Report(); len(r.Alerts) != 1 {
				t.Errorf("the report has %+v", r.Alerts)
			}
			time.Sleep(time.Hour)
			if n := len(e.heard()); n != 1 {
				t.Errorf("%d alerts without a change", n)
			}
			s.set(Result{})
			time.Sleep(2 * interval)
			synctest.Wait()
			if heard = e.heard(); len(heard) != 2 || !heard[1].Recovered() || heard[1].Overall != Healthy {
				t.Errorf("%+v", heard)
			}
			if r := m.Report(); len(r.Alerts) != 0 || len(r.AlertLog) != 2 || !r.AlertLog[0].Recovered() {
				t.Errorf("the report has %+v and %+v", r.Alerts, r.AlertLog)
			}
		})
	})
	t.Run("an alert lasts no longer than the Run that raised it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			s.set(bad)
			m := &Monitor{Thresholds: quiet, Checks: []Check{s.check("cpu")}}
			stop := settled(t, m)
			time.Sleep(interval)
			synctest.Wait()
			if r := m.Report(); len(r.Alerts) != 1 {
				t.Fatalf("%+v", r.Alerts)
			}
			stop()
			if r := m.Report(); len(r.Alerts) != 0 {
				t.Errorf("after Run: %+v", r.Alerts)
			}
			s.set(Result{})
			settled(t, m)
			if r := m.Report(); len(r.Alerts) != 0 {
				t.Errorf("in the next Run, %v: %+v", r.Status, r.Alerts)
			}
		})
	})
	t.Run("from critical to a warning is better, but has not recovered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			var e ear
			var log bytes.Buffer
			s.set(bad)
			settled(t, &Monitor{Thresholds: quiet, Checks: []Check{s.check("cpu")}, Alerts: Alerts{Good: 1, Repeat: 1, Sinks: []Sink{e.sink, Log(textLogger(&log))}}})
			time.Sleep(interval)
			s.set(Result{Status: Warning, Value: 85, Threshold: 80, Unit: "%"})
			time.Sleep(2 * interval)
			synctest.Wait()
			heard := e.heard()
			last := heard[len(heard)-1]
			if last.From != Critical || last.To != Warning || !last.Repeat || slices.ContainsFunc(heard, Alert.Recovered) {
				t.Errorf("%+v", heard)
			}
			for _, want := range []string{`level=WARN msg="health alert" is=better`, `level=WARN msg="health alert" is="still bad"`} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("nothing of %s in\n%s", want, log.String())
				}
			}
		})
	})
	t.Run("a sink may change the alert it was given", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			var e ear
			s.set(bad)
			scribbles := func(_ context.Context, a Alert) { a.Reasons[0] = "scribble" }
			m := &Monitor{Thresholds: quiet, Checks: []Check{s.check("cpu")}, Alerts: Alerts{Sinks: []Sink{scribbles, e.sink}}}
			settled(t, m)
			time.Sleep(interval)
			synctest.Wait()
			if heard, r := e.heard(), m.Report(); heard[0].Reasons[0] == "scribble" || r.Alerts[0].Reasons[0] == "scribble" {
				t.Errorf("%+v, %+v", heard, r.Alerts)
			}
		})
	})
	t.Run("alerts are repeated as often as asked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			var e ear
			s.set(bad)
			settled(t, &Monitor{Thresholds: quiet, Checks: []Check{s.check("cpu")}, Alerts: Alerts{Sinks: []Sink{e.sink}, Repeat: 5 * time.Minute}})
			time.Sleep(time.Hour)
			heard := e.heard()
			if n := len(heard); n < 10 || n > 12 || heard[0].Repeat || !heard[n-1].Repeat || !heard[n-1].Since.Equal(heard[0].Since) {
				t.Errorf("%d alerts in an hour: %+v", n, heard)
			}
		})
	})
	t.Run("a nanosecond repeats on each bad run", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			var e ear
			s.set(bad)
			settled(t, &Monitor{Thresholds: quiet, Checks: []Check{s.check("cpu")}, Alerts: Alerts{Sinks: []Sink{e.sink}, Repeat: 1}})
			time.Sleep(time.Hour)
			synctest.Wait()
			if n := len(e.heard()); n != s.count()-1 {
				t.Errorf("%d alerts of %d runs", n, s.count())
			}
		})
	})
	t.Run("a sink that hangs, and one that panics, harm nobody", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			var e ear
			s.set(bad)
			calls, at, release := 0, 0, make(chan struct{})
			hang := func(context.Context, Alert) { calls++; at++; <-release; at-- }
			panics := func(context.Context, Alert) { panic("a secret") }
			var log bytes.Buffer
			m := &Monitor{
				Thresholds: quiet, Checks: []Check{s.check("a")}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
				Alerts: Alerts{Sinks: []Sink{hang, panics, e.sink}, Repeat: 1},
			}
			stop := settled(t, m)
			time.Sleep(2 * time.Hour)
			synctest.Wait()
			if runs := s.count(); runs < 200 || len(e.heard()) != runs-1 {
				t.Errorf("%d runs, %d alerts", runs, len(e.heard()))
			}
			if calls != 1 || at != 1 {
				t.Errorf("%d calls of the one that hangs, %d at once", calls, at)
			}
			s.set(Result{}) // and nothing to say any more
			time.Sleep(3 * interval)
			release <- struct{}{}
			synctest.Wait()
			if calls != 2 || at != 1 {
				t.Errorf("after the first returned: %d calls, %d at once", calls, at)
			}
			close(release)
			synctest.Wait()
			if calls != 1+queueLen {
				t.Errorf("%d calls in all, want one and a full queue", calls)
			}
			stop()
			if strings.Contains(log.String(), "a secret") || !strings.Contains(log.String(), "takes too long") || !strings.Contains(log.String(), "the sink panicked") {
				t.Errorf("the log:\n%.400s", log.String())
			}
		})
	})
	t.Run("a sink has its timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			s.set(bad)
			var took time.Duration
			sink := func(ctx context.Context, _ Alert) { start := time.Now(); <-ctx.Done(); took = time.Since(start) }
			settled(t, &Monitor{Thresholds: quiet, Logger: silent, Checks: []Check{s.check("a")}, Alerts: Alerts{Sinks: []Sink{sink}, Timeout: 3 * time.Second}})
			time.Sleep(time.Minute)
			synctest.Wait()
			if took != 3*time.Second {
				t.Errorf("it ended after %v", took)
			}
		})
	})
	t.Run("what a slow sink missed is counted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := new(sinkSet).add(func(context.Context, Alert) {})
			for i := range queueLen + 3 {
				q.put(Alert{Check: fmt.Sprint(i)})
			}
			if a, _ := q.take(); a.Missed != 3 || a.Check != "3" {
				t.Errorf("%+v", a)
			}
			if a, _ := q.take(); a.Missed != 0 || a.Check != "4" {
				t.Errorf("%+v", a)
			}
		})
	})
	t.Run("a sink that comes later hears what comes later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var s script
			var e ear
			m := &Monitor{Thresholds: quiet, Checks: []Check{s.check("a")}}
			settled(t, m)
			m.OnAlert(e.sink)
			s.set(Result{Err: errors.New("no")})
			time.Sleep(3 * interval)
			synctest.Wait()
			if heard := e.heard(); len(heard) != 1 || heard[0].Reasons[0] != "business_logic" {
				t.Errorf("%+v", heard)
			}
		})
	})
	t.Run("the log has each alert at its level", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var b bytes.Buffer
			sink := Log(slog.New(slog.NewTextHandler(&b, nil)))
			for _, a := range []Alert{{To: Warning}, {To: Critical}, {From: Critical, To: Healthy}, {From: Warning, To: Critical, Repeat: true}} {
				sink(t.Context(), a)
			}
			lines := strings.Split(b.String(), "\n")
			for i, want := range []string{`level=WARN msg="health alert" is=worse`, `level=ERROR msg="health alert" is=worse`, `level=INFO msg="health alert" is=better`, `level=ERROR msg="health alert" is="still bad"`} {
				if !strings.Contains(lines[i], want) {
					t.Errorf("line %d is %s, want %s", i, lines[i], want)
				}
			}
		})
	})
}
