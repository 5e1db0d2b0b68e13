package healthz

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTheTableOfDefaultsIsTrue(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	m := new(Monitor)
	m.freeze()
	th, al := m.set.thresholds, m.set.alerts
	c := Check{}
	c.defaults(m.set.interval)
	long := Check{Interval: time.Hour}
	long.defaults(m.set.interval)
	if c.MaxAge != 3*c.Interval+c.Timeout || (func() time.Duration { x := Check{Interval: time.Second}; x.defaults(0); return x.Timeout })() != time.Second || al.Repeat != 0 {
		t.Error("what the table says in words is not so")
	}
	pair := func(b Bounds, unit string) string {
		word := func(v float64) string {
			if v < 0 {
				return "off"
			}
			return fmt.Sprint(v) + unit
		}
		return word(b.Warning) + ", " + word(b.Critical)
	}
	for setting, want := range map[string]string{
		"Monitor.Interval":               spell(m.set.interval),
		"Check.Timeout":                  spell(long.Timeout) + ", at most the interval",
		"Alerts.Bad, Alerts.Good":        fmt.Sprintf("%d runs, %d runs", al.Bad, al.Good),
		"Alerts.Timeout":                 spell(al.Timeout),
		"Thresholds.ErrorRate":           pair(th.ErrorRate, " %"),
		"Thresholds.ResponseTime":        pair(th.ResponseTime, " s"),
		"Thresholds.MinCalls":            fmt.Sprint(th.MinCalls),
		"Thresholds.ConsecutiveFailures": pair(th.ConsecutiveFailures, ""),
		"Thresholds.OpenCircuits":        pair(th.OpenCircuits, ""),
		"Thresholds.Availability":        pair(th.Availability, " %"),
		"Thresholds.CPU":                 pair(th.CPU, " %"),
		"Thresholds.Memory":              pair(th.Memory, " %"),
		"Thresholds.Disk":                pair(th.Disk, " %"),
	} {
		if !regexp.MustCompile(`(?m)^//\t` + regexp.QuoteMeta(setting) + ` +` + regexp.QuoteMeta(want) + `$`).Match(doc) {
			t.Errorf("doc.go does not say that %s is %s", setting, want)
		}
	}
}

func TestWhatMustNotBeImported(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			for _, bad := range []string{`"net/http/pprof"`, `"expvar"`, `/fallback"`, `/telemetry"`} {
				if strings.HasSuffix(spec.Path.Value, bad) {
					t.Errorf("%s imports %s", file, spec.Path.Value)
				}
			}
		}
		if text, _ := os.ReadFile(file); !strings.HasSuffix(file, "_test.go") && regexp.MustCompile(`DefaultServeMux\.|http\.Handle\(|http\.HandleFunc\(|time\.Sleep`).Match(text) {
			t.Errorf("%s registers a handler globally, or sleeps", file)
		}
	}
}
