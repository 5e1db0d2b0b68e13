package healthz

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

var update = flag.Bool("update", false, "write the golden files anew")

// outage is what the sources say while a service is down. Its times are those
// of a synctest bubble.
func outage() Sources {
	start := time.Now()
	return Sources{
		Traffic: func() transport.Traffic {
			return transport.Traffic{
				Total: 1200, Succeeded: 1100, Failed: 90, Neutral: 10, InFlight: 3, Last: start, Mean: 120 * time.Millisecond,
				Window:      transport.Window{Length: time.Minute, Total: 200, Failed: 60, P50: 80 * time.Millisecond, P95: 6 * time.Second, P99: 9 * time.Second, Longest: 10 * time.Second},
				Errors:      map[string]uint64{"network_medium": 60, "system_high": 30, "rate_limit_medium": 10},
				Consecutive: map[string]int{"GET users.example": 4, "load invoice": 1},
			}
		},
		Circuits: func() []transport.Circuit {
			return []transport.Circuit{
				{Key: "https://api.example", Failures: 1, Threshold: 5},
				{Key: "https://users.example", State: transport.Open, Failures: 5, Threshold: 5, LastFailure: start, Left: 42 * time.Second, Rejected: 17},
				{Key: "https://mail.example", State: transport.HalfOpen, Failures: 5, Threshold: 5, LastFailure: start, Successes: 1},
			}
		},
		Ladders: func() []transport.LadderState {
			return []transport.LadderState{
				{Ladder: "users", Key: "https://users.example", Level: transport.Degraded, Since: start, Reason: transport.Network},
				{Ladder: "api", Key: "https://api.example"},
			}
		},
		Budgets: func() []transport.BudgetState {
			return []transport.BudgetState{{Key: "https://users.example", Calls: 50, Retries: 10}, {Key: "https://api.example", Calls: 100, Retries: 2, Left: 18}}
		},
		Caches: func() []transport.CacheState {
			return []transport.CacheState{{Entries: 12, Bytes: 34_567, Max: 64 << 20, Hits: 40, Misses: 8, Stored: 15, Evicted: 3}}
		},
		Answers: func() map[transport.Source]uint64 {
			return map[transport.Source]uint64{transport.SourceOrigin: 1100, transport.SourceCache: 40, transport.SourceStatic: 5}
		},
	}
}

// down is a Monitor in an outage, two runs old, so that alerts have fired.
func down(t *testing.T) *Monitor {
	t.Helper()
	m := &Monitor{
		Name: "billing", Sources: outage(), Thresholds: quiet, Detail: func(*http.Request) bool { return true },
		Checks: []Check{
			Func("db", func(context.Context) error { return nil }),
			Func("mail", func(context.Context) error { return context.DeadlineExceeded }),
		},
	}
	settled(t, m)
	time.Sleep(40 * time.Second)
	synctest.Wait()
	return m
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("..", "testdata", "healthz", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); got\n%s", name, got)
	}
}

func TestTheReportsKeysAndFormStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := down(t)
		w := get(m, "/healthz?pretty", "Accept", "application/json")
		if w.Code != 503 {
			t.Errorf("%d", w.Code)
		}
		r := m.Report()
		slices.SortFunc(r.AlertLog, func(a, b Alert) int { return strings.Compare(a.Check, b.Check) }) // as jitter has it
		again := httptest.NewRecorder()
		writeJSON(again, httptest.NewRequest(http.MethodGet, "/", nil), "application/json", r.Status, r, true)
		if a, b := sorted(w.Body.String()), sorted(again.Body.String()); a != b {
			t.Errorf("the handler does not write the report:\n%s\n%s", a, b)
		}
		golden(t, "report.json", steady(t, again.Body.Bytes()))
		golden(t, "health.json", steady(t, get(m, "/healthz?pretty", "Accept", "application/health+json").Body.Bytes()))
		golden(t, "verbose.txt", get(m, "/healthz?verbose", "Accept", "text/plain").Body.Bytes())
	})
}

func sorted(lines string) string {
	list := strings.Split(lines, "\n")
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// steady makes the times of runs, which are jittered, the same every time.
func steady(t *testing.T, report []byte) []byte {
	t.Helper()
	out := slices.Collect(strings.Lines(string(report)))
	for i, line := range out {
		for _, key := range []string{`"timestamp": `, `"time": `} {
			if at := strings.Index(line, key); at >= 0 && i > 3 {
				out[i] = line[:at] + key + `"2000-01-01T00:00:30Z"` + strings.TrimLeft(line[at+len(key):], `"0123456789-T:.Z`)
			}
		}
	}
	return []byte(strings.Join(out, ""))
}

func TestThresholdsAreReachedByWhatEqualsThem(t *testing.T) {
	traffic := func(change func(*transport.Traffic)) Sources {
		x := transport.Traffic{Window: transport.Window{Total: 1000}}
		change(&x)
		return Sources{Traffic: func() transport.Traffic { return x }}
	}
	rate := func(failed uint64) Sources {
		return traffic(func(t *transport.Traffic) { t.Window.Failed = failed })
	}
	p95 := func(d time.Duration) Sources {
		return traffic(func(t *transport.Traffic) { t.Window.P95 = d })
	}
	row := func(n int) Sources {
		return traffic(func(t *transport.Traffic) { t.Consecutive = map[string]int{"a": 1, "b": n} })
	}
	circuits := func(closed, open int, last transport.Circuit) Sources {
		all := slices.Repeat([]transport.Circuit{{}}, closed)
		all = append(all, slices.Repeat([]transport.Circuit{last}, open)...)
		return Sources{Circuits: func() []transport.Circuit { return all }}
	}
	open := transport.Circuit{State: transport.Open, Left: time.Second}
	level := func(l transport.Level) Sources {
		return Sources{Ladders: func() []transport.LadderState { return []transport.LadderState{{}, {Level: l}} }}
	}
	for _, test := range []struct {
		when  string
		check string
		src   Sources
		want  Status
	}{
		{"9.9 % of calls failed", "error_rate", rate(99), Healthy},
		{"10 % did", "error_rate", rate(100), Warning},
		{"24.9 % did", "error_rate", rate(249), Warning},
		{"25 % did", "error_rate", rate(250), Critical},
		{"all of 9 calls failed", "error_rate", traffic(func(t *transport.Traffic) { t.Window = transport.Window{Total: 9, Failed: 9} }), Healthy},
		{"all of 10 did", "error_rate", traffic(func(t *transport.Traffic) { t.Window = transport.Window{Total: 10, Failed: 10} }), Critical},
		{"there were no calls", "error_rate", traffic(func(t *transport.Traffic) { t.Window = transport.Window{} }), Healthy},
		{"p95 is just below 5 s", "response_time", p95(5*time.Second - 1), Healthy},
		{"it is 5 s", "response_time", p95(5 * time.Second), Warning},
		{"it is 10 s", "response_time", p95(10 * time.Second), Critical},
		{"2 failures in a row", "consecutive_failures", row(2), Healthy},
		{"3", "consecutive_failures", row(3), Warning},
		{"5", "consecutive_failures", row(5), Critical},
		{"no circuit is open", "open_circuits", circuits(3, 0, open), Healthy},
		{"one is", "open_circuits", circuits(30, 1, open), Warning},
		{"all are", "open_circuits", circuits(0, 30, open), Warning},
		{"one is half-open", "open_circuits", circuits(0, 1, transport.Circuit{State: transport.HalfOpen}), Healthy},
		{"one is open, and nobody called since its time was over", "open_circuits", circuits(0, 1, transport.Circuit{State: transport.Open, LastFailure: time.Now()}), Healthy},
		{"95 % of services are available", "service_availability", circuits(19, 1, open), Healthy},
		{"94 % are", "service_availability", circuits(94, 6, open), Warning},
		{"80 % are", "service_availability", circuits(4, 1, open), Warning},
		{"79 % are", "service_availability", circuits(79, 21, open), Critical},
		{"there are no services", "service_availability", circuits(0, 0, open), Healthy},
		{"every ladder is full", "service_level", level(transport.Full), Healthy},
		{"one is degraded", "service_level", level(transport.Degraded), Warning},
		{"one is offline", "service_level", level(transport.Offline), Critical},
	} {
		for _, c := range builtin(test.src, quiet.defaults()) {
			if c.Name == test.check {
				if got := c.Run(t.Context()); got.Status != test.want {
					t.Errorf("%s: %v (%v, bound %v), want %v", test.when, got.Status, got.Value, got.Threshold, test.want)
				}
			}
		}
	}
}

func TestBoundsThatAreOff(t *testing.T) {
	for _, test := range []struct {
		when string
		b    Bounds
		v    float64
		want Status
	}{
		{"without a warning, below critical", Bounds{-1, 10}, 9, Healthy},
		{"without a warning, critical", Bounds{-1, 10}, 10, Critical},
		{"without a critical", Bounds{5, -1}, 1000, Warning},
	} {
		if got, _ := test.b.judge(test.v); got != test.want {
			t.Errorf("%s: %v", test.when, got)
		}
	}
	if n := len(builtin(outage(), Thresholds{OpenCircuits: Bounds{-1, 0}}.defaults())); n != 8 {
		t.Errorf("%d built-in checks with one off, want 8", n)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	m := &Monitor{
		Interval:   -1,
		Thresholds: Thresholds{ErrorRate: Bounds{Warning: 30}, CPU: Bounds{Critical: 101}, Availability: Bounds{Warning: 50}},
		Alerts:     Alerts{Timeout: -1, Sinks: []Sink{nil}},
		Checks: []Check{
			{Name: "no run"}, Func("nil", nil), Func("twice", func(context.Context) error { return nil }), Func("twice", func(context.Context) error { return nil }),
			Func("readyz", func(context.Context) error { return nil }),
			HTTP{Name: "ftp", URL: "ftp://x"}.Check(), TCP{Name: "tcp", Address: "x"}.Check(), DNS{Name: "dns"}.Check(),
			Certificate{Name: "cert", Address: "x:1", Days: Bounds{1, 2}}.Check(),
		},
	}
	live := TCP{Name: "upstream", Address: "x:1"}.Check()
	live.Live, live.Interval, live.Timeout = true, -1, -1
	m.Checks = append(m.Checks, live)
	err := m.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"Monitor.Interval must not be negative", "Thresholds.ErrorRate: Warning must be at most Critical, 25, is 30", "Thresholds.CPU must be at most 100 %, is 101",
		"Thresholds.Availability: Warning must be at least Critical, 80, is 50", "Alerts.Timeout must not be negative",
		`check "no run": Name must be`, `check "no run": Run must not be nil`, `check "nil": fn must not be nil`, `two named "twice"`, `check "readyz": Name must be`,
		`HTTP "ftp": URL must be`, `TCP "tcp": Address must be`, `DNS "dns": Host must`, `Certificate "cert": Days.Warning must be at least Days.Critical, 2, is 1`,
		`check "upstream": Live must be false`, `check "upstream": Interval must not be negative`, `check "upstream": Timeout must not be negative`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing of %q in\n%v", want, err)
		}
	}
	if got := m.Run(t.Context()); got == nil || got.Error() != err.Error() {
		t.Errorf("Run returned %v", got)
	}
	if w := get(m, "/healthz"); w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
}

// secretError has a secret wherever an error can have one.
type secretError struct{}

func (secretError) Error() string {
	return `Get "https://user:` + secret + `@x/?token=` + secret + `": ` + secret
}
func (secretError) String() string               { return secret }
func (secretError) MarshalText() ([]byte, error) { return []byte(secret), nil }

const secret = "hunter2"

func TestSecretsNeverShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		logger := textLogger(&log)
		key := "https://user:" + secret + "@users.example/?token=" + secret + "#" + secret
		m := &Monitor{
			Name: "billing", Thresholds: quiet, Logger: logger, Alerts: Alerts{Sinks: []Sink{Log(logger)}},
			Detail: func(r *http.Request) bool { return r.URL.Query().Has("detail") },
			Sources: Sources{
				Traffic: func() transport.Traffic {
					return transport.Traffic{Errors: map[string]uint64{key: 1}, Consecutive: map[string]int{"GET " + key: 9, secret + "@users.example": 9}}
				},
				Circuits: func() []transport.Circuit { return []transport.Circuit{{Key: key, State: transport.Open}} },
				Ladders: func() []transport.LadderState {
					return []transport.LadderState{{Ladder: key, Key: key, Level: transport.Offline}}
				},
				Budgets: func() []transport.BudgetState { return []transport.BudgetState{{Key: key}} },
				Answers: func() map[transport.Source]uint64 { return map[transport.Source]uint64{transport.Source(key): 1} },
			},
			Checks: []Check{
				Func("err", func(context.Context) error { return secretError{} }),
				Func("joined", func(context.Context) error {
					return errors.Join(fmt.Errorf("x: %w", secretError{}), context.DeadlineExceeded)
				}),
				Func("panics", func(context.Context) error { panic(secretError{}) }),
				{Name: "result", Description: "of " + key, Run: func(context.Context) Result {
					return Result{Status: Critical, Value: 1, Unit: key}
				}},
				HTTP{Name: "http", URL: "https://user:" + secret + "@x.invalid/" + secret + "?token=" + secret, Header: http.Header{"X-Api-Key": {secret}},
					Transport: transport.Func(func(r *http.Request) (*http.Response, error) {
						return nil, fmt.Errorf("%v %v: %w", r.URL, r.Header, secretError{})
					})}.Check(),
			},
		}
		settled(t, m)
		time.Sleep(2 * interval)
		synctest.Wait()
		for _, target := range []string{"/healthz?verbose", "/healthz/err?verbose", "/livez?verbose", "/readyz?verbose", "/healthz/http?x"} {
			for _, accept := range []string{"application/json", "application/health+json", "text/plain", "text/html"} {
				for _, detail := range []string{"", "&detail"} {
					body := get(m, target+detail, "Accept", accept).Body.String()
					if strings.Contains(body, secret) {
						t.Errorf("%s%s as %s shows it:\n%s", target, detail, accept, body)
					}
				}
			}
		}
		report, err := json.Marshal(m.Report())
		if err != nil || strings.Contains(string(report), secret) {
			t.Errorf("the report shows it: %v\n%s", err, report)
		}
		if strings.Contains(log.String(), secret) || !strings.Contains(log.String(), "check=err") {
			t.Errorf("the log shows it:\n%s", log.String())
		}
	})
}

func TestScrub(t *testing.T) {
	for _, test := range []struct{ what, in, want string }{
		{"a key stays", "https://api.example:8443", "https://api.example:8443"},
		{"an operation stays", "GET api.example", "GET api.example"},
		{"userinfo goes", "GET https://me:pw@api.example/v1", "GET https://api.example/v1"},
		{"a query goes", "https://api.example/v1?key=pw", "https://api.example/v1"},
		{"a fragment goes", "https://api.example#pw", "https://api.example"},
		{"userinfo without a scheme goes", "me:pw@api.example:80", "api.example:80"},
		{"a password with a question mark goes", "https://me:p?w@api.example", "https://…"},
		{"a password with an at sign goes", "https://me:p@w@api.example", "https://api.example"},
		{"lines are one", "a\nb\r\x00c\u2028", "abc"},
	} {
		if got := scrub(test.in); got != test.want {
			t.Errorf("%s: %q, want %q", test.what, got, test.want)
		}
	}
	if got := scrub(strings.Repeat("ä", 300)); len(got) > 210 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestListsOfHostsAreBounded(t *testing.T) {
	s := Sources{
		Circuits: func() []transport.Circuit {
			var all []transport.Circuit
			for i := range 10_000 {
				all = append(all, transport.Circuit{Key: fmt.Sprint(i)})
			}
			all[7777].State = transport.Open
			return all
		},
		Traffic: func() transport.Traffic {
			all := make(map[string]int)
			for i := range 10_000 {
				all[fmt.Sprint(i)] = i
			}
			return transport.Traffic{Consecutive: all}
		},
	}
	var r Report
	r.traffic(s)
	if len(r.Circuits) != maxRows || r.Circuits[0].Key != "7777" || r.CircuitStates["closed"] != 9999 {
		t.Errorf("%d circuits, %v, %v", len(r.Circuits), r.Circuits[0], r.CircuitStates)
	}
	if len(r.Consecutive) != maxRows || r.Consecutive["9999"] != 9999 {
		t.Errorf("%d operations", len(r.Consecutive))
	}
}
