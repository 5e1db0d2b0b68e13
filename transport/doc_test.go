package transport

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDefaults compares the table of defaults in the package comment with the
// code, and the comments of the fields with both.
func TestDefaults(t *testing.T) {
	r := Retry{}.withDefaults()
	var b Breaker
	b.init()
	var g Budget
	g.init()
	var s Stats
	s.init()
	ratio, slow := Ratio{}.counter().(*rate), Slow{}.counter().(*rate)
	buffer := Buffer{}.Wrap(nil).(*buffer)
	l := Limit{Concurrency: 7}.Wrap(nil).(*limit)
	want := map[string]string{
		"Retry.MaxAttempts":        fmt.Sprint(r.MaxAttempts),
		"Retry.BaseDelay":          fmt.Sprint(r.BaseDelay, ", doubling"),
		"Retry.MaxDelay":           fmt.Sprint(r.MaxDelay),
		"Retry.Jitter":             map[Jitter]string{HalfJitter: "HalfJitter: between half the delay and all of it"}[r.Jitter],
		"Retry.MaxHint":            fmt.Sprint(r.MaxHint),
		"Retry.MaxBodyBuffer":      fmt.Sprint(r.MaxBodyBuffer, " bytes"),
		"Budget.Ratio":             fmt.Sprint(g.ratio, " retries a call"),
		"Budget.Floor":             fmt.Sprint(g.floor, " retries a window"),
		"Budget.Window":            fmt.Sprint(g.window),
		"Breaker.FailureThreshold": fmt.Sprint(b.settings.failureThreshold),
		"Breaker.OpenFor":          fmt.Sprint(b.settings.openFor, ", doubling while probes fail"),
		"Breaker.MaxOpenFor":       fmt.Sprint(b.settings.maxOpenFor),
		"Breaker.Probes":           fmt.Sprint(b.settings.probes),
		"Breaker.Successes":        fmt.Sprint(b.settings.successes),
		"Breaker.MaxCircuits":      fmt.Sprint(tableBound(t)),
		"Ratio.Share":              fmt.Sprint(ratio.share),
		"Ratio.MinCalls":           fmt.Sprint(ratio.minCalls),
		"Ratio.Window":             fmt.Sprint(ratio.window),
		"Slow.Over":                fmt.Sprint(slow.limit),
		"Buffer.MaxBytes":          fmt.Sprint(buffer.max, " bytes"),
		"Stats.Window":             fmt.Sprint(s.window),
		"Limit.Queue":              map[int]string{7: "as many as Concurrency"}[l.Queue],
		"Limit.Wait":               fmt.Sprint(l.Wait),
		"Timeout, Deadline, Limit": "no limit",
	}
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "// # Defaults\n")
	section, _, _ := strings.Cut(rest, "// # ")
	got := make(map[string]string)
	for _, row := range regexp.MustCompile(`(?m)^//\t(.+?) {2,}(.+)$`).FindAllStringSubmatch(section, -1) {
		got[row[1]] = row[2]
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: the package comment says %q, the code %q", name, got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: the package comment has it, this test does not", name)
		}
	}
}

// tableBound returns how many circuits there can be.
func tableBound(t *testing.T) int {
	t.Helper()
	var b Breaker
	b.init()
	for i := range 20_000 {
		b.circuit(hostKey{"http", fmt.Sprint(i)})
		if n := b.circuits.Len(); n < i+1 {
			return i
		}
	}
	return 0
}

// The comment of each field says its default; these are the words.
func TestFieldsSayTheirDefaults(t *testing.T) {
	for file, want := range map[string][]string{
		"retry.go":    {"If zero, it is 3;", "If zero, it is 1 s;", "bounds the wait. If zero, it is 60 s.", "If zero, it is HalfJitter", "If zero, it is 60 s; if negative, hints", "If zero, it is 64 KiB;"},
		"breaker.go":  {"If zero, it is 5.", "If zero, it is 60 s.", "If zero, it is 10 minutes", "If zero, it is 1.", "If zero, it is 3.", "If zero, it is 10,000."},
		"budget.go":   {"If zero, it is 0.2;", "If zero, it is 10;", "If zero, it is 10 s."},
		"rule.go":     {"If zero, it is 0.5.", "If zero, it is 20.", "If zero, it is 10 s.", "If zero, it is 5 s."},
		"buffer.go":   {"If zero, it is 1 MiB;"},
		"stats.go":    {"If zero or negative, it is 60 s."},
		"limit.go":    {"If zero, it is Concurrency;", "If zero, it is 1 s;"},
		"timeout.go":  {"If zero or negative, there is no limit"},
		"deadline.go": {"If zero or negative, there is no limit."},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		flat := regexp.MustCompile(`\n\s*// ?`).ReplaceAllString(string(text), " ")
		for _, phrase := range want {
			if !strings.Contains(flat, phrase) {
				t.Errorf("%s does not say %q", file, phrase)
			}
		}
	}
}
