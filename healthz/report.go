package healthz

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A Report is all that a [Monitor] knows, at one moment. Its JSON form is the
// handler's own. Times in it are in seconds. Names that come from outside have
// no userinfo, query or fragment in it, and of errors there is the category.
type Report struct {
	Agent  string    `json:"agent_name"`
	Time   time.Time `json:"timestamp"`
	Uptime float64   `json:"uptime_seconds"` // since Run was called, 0 while it does not run
	Status Status    `json:"overall_status"`

	// Reason says why Status is critical where no check is to blame for it:
	// "not running: call Run" or "first run pending".
	Reason string `json:"reason,omitempty"`

	Metrics []Metric      `json:"metrics"` // the checks that measure something
	Checks  []CheckReport `json:"checks"`  // all checks
	Alerts  []Alert       `json:"alerts"`  // of what is bad now

	Performance *Performance      `json:"performance,omitempty"`
	Errors      map[string]uint64 `json:"error_statistics"`
	Consecutive map[string]int    `json:"consecutive_failures"`

	Circuits      []transport.Circuit         `json:"circuits"` // those that are not closed first, then by name, at most 100
	CircuitStates map[string]int              `json:"circuit_states"`
	Ladders       []transport.LadderState     `json:"ladders"` // the worst first, then by name, at most 100
	Budgets       []transport.BudgetState     `json:"budgets"` // the least left first, then by name, at most 100
	Caches        []transport.CacheState      `json:"caches"`
	Answers       map[transport.Source]uint64 `json:"answers_by_source"`

	// AlertLog has the latest changes, the newest first, at most 20.
	AlertLog []Alert `json:"alert_log"`
}

// A Metric is what a check measured.
type Metric struct {
	Name        string    `json:"name"`
	Value       float64   `json:"value"`
	Threshold   float64   `json:"threshold"` // the bound that was reached, or else the first one
	Status      Status    `json:"status"`
	Time        time.Time `json:"timestamp"`
	Description string    `json:"description"`
	Unit        string    `json:"unit"`
}

// A CheckReport is what is known of one check.
type CheckReport struct {
	Name   string `json:"check_name"`
	Status string `json:"status"` // passed, failed, or pending before the first run ended
	Health Status `json:"health"` // what counts: a check that passed may be a warning, and one that failed too

	// One of the two is there once the check has run.
	Result string `json:"result,omitempty"`
	Error  string `json:"error,omitempty"` // a category, and perhaps a phrase of the kit's own

	Time        time.Time `json:"timestamp,omitzero"`
	Duration    float64   `json:"duration_seconds"`
	Description string    `json:"description,omitempty"`
}

// Performance is what the calls came to. Totals are since the start;
// percentiles are of the window.
type Performance struct {
	Total       uint64    `json:"total_requests"`
	Succeeded   uint64    `json:"successful_requests"`
	Failed      uint64    `json:"failed_requests"`
	Mean        float64   `json:"average_response_time"`
	Last        time.Time `json:"last_request_time,omitzero"`
	Neutral     uint64    `json:"neutral_requests"`
	InFlight    int64     `json:"in_flight"`
	Window      float64   `json:"window_seconds"`
	WindowTotal uint64    `json:"window_requests"`
	ErrorRate   float64   `json:"error_rate"` // of the window, in percent
	P50         float64   `json:"p50"`
	P95         float64   `json:"p95"`
	P99         float64   `json:"p99"`
}

// Report returns the Monitor's report.
func (m *Monitor) Report() Report { return m.report(question{probe: probes[0]}) }

func (m *Monitor) report(q question) Report {
	now := time.Now()
	a := m.ask(q, now)
	r := Report{
		Agent: m.set.name, Time: now, Status: a.status, Reason: a.reason,
		Metrics: []Metric{}, Checks: make([]CheckReport, 0, len(a.lines)), Alerts: []Alert{},
		AlertLog: m.alerted.list(),
	}
	if run := m.running.Load(); run != nil {
		r.Uptime = now.Sub(run.since).Seconds()
	}
	for _, l := range a.lines {
		if l.excluded {
			continue
		}
		r.Checks = append(r.Checks, l.report())
		if alert := l.entry.firing.Load(); alert != nil && !l.pending {
			r.Alerts = append(r.Alerts, *alert)
		}
		if res := l.result; res.Unit != "" && res.Err == nil && !l.pending {
			r.Metrics = append(r.Metrics, Metric{
				Name: l.entry.check.Name, Value: res.Value, Threshold: res.Threshold, Status: l.status, Time: l.at,
				Description: scrub(l.entry.check.Description), Unit: scrub(res.Unit),
			})
		}
	}
	r.traffic(m.set.sources)
	return r
}

func (l *line) report() CheckReport {
	c := CheckReport{
		Name: l.entry.check.Name, Status: l.word(), Health: l.status, Time: l.at, Duration: l.took.Seconds(),
		Description: scrub(l.entry.check.Description),
	}
	switch {
	case l.pending:
	case l.failed:
		c.Error = l.entry.say(l.verdict)
	default:
		c.Result = l.entry.say(l.verdict)
	}
	return c
}

// pending is the status of a check before its first run ended.
const pending = "pending"

// word returns passed, failed or pending.
func (l *line) word() string {
	switch {
	case l.pending:
		return pending
	case l.failed:
		return "failed"
	}
	return "passed"
}

// say puts a verdict into words.
func (e *entry) say(v *verdict) string {
	r := v.result
	switch {
	case r.Err != nil || r.Unit == "" && v.failed || v.problem != "" && v.problem != critical:
		return v.problem
	case r.Unit == "":
		return "ok"
	}
	text := amount(r.Value, r.Unit)
	if v.status > Healthy || v.failed {
		text += " (threshold " + amount(r.Threshold, r.Unit) + ")"
	}
	return text
}

// amount writes a value with its unit.
func amount(v float64, unit string) string {
	switch unit {
	case levelUnit:
		return transport.Level(v).String()
	case "s":
		return seconds(v)
	}
	number := strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	if number == "1" && len(unit) > 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return number + " " + scrub(unit)
}

func seconds(s float64) string { return spell(time.Duration(s * float64(time.Second))) }

// spell writes a duration with its unit, no more exactly than one reads it.
func spell(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strings.TrimSuffix(strconv.FormatFloat(d.Truncate(100*time.Millisecond).Seconds(), 'f', 1, 64), ".0") + " s"
	case d < time.Hour:
		return two(d, time.Minute, "min", time.Second, "s")
	case d < 24*time.Hour:
		return two(d, time.Hour, "h", time.Minute, "min")
	}
	return two(d, 24*time.Hour, "d", time.Hour, "h")
}

// two writes a duration in two units.
func two(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	text := strconv.FormatInt(int64(d/big), 10) + " " + bigName
	if rest := d % big / small; rest > 0 {
		text += " " + strconv.FormatInt(int64(rest), 10) + " " + smallName
	}
	return text
}

// maxRows bounds the lists of a report that grow with the number of hosts.
const maxRows = 100

// traffic fills in what the sources know.
func (r *Report) traffic(s Sources) {
	r.Errors, r.Consecutive = map[string]uint64{}, map[string]int{}
	r.Circuits, r.CircuitStates = []transport.Circuit{}, map[string]int{}
	r.Ladders, r.Budgets, r.Caches = []transport.LadderState{}, []transport.BudgetState{}, []transport.CacheState{}
	r.Answers = map[transport.Source]uint64{}
	if s.Traffic != nil {
		t := s.Traffic()
		r.Performance = performance(t)
		for name, n := range t.Errors {
			r.Errors[scrub(name)] += n
		}
		r.Consecutive = worstRuns(t.Consecutive)
	}
	if s.Circuits != nil {
		all := slices.Clone(s.Circuits())
		for i := range all {
			all[i].Key = scrub(all[i].Key)
			r.CircuitStates[all[i].State.String()]++
		}
		r.Circuits = top(all, func(a, b transport.Circuit) int {
			return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Key, b.Key))
		})
	}
	if s.Ladders != nil {
		all := slices.Clone(s.Ladders())
		for i := range all {
			all[i].Ladder, all[i].Key = scrub(all[i].Ladder), scrub(all[i].Key)
		}
		r.Ladders = top(all, func(a, b transport.LadderState) int {
			return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.Ladder, b.Ladder), cmp.Compare(a.Key, b.Key))
		})
	}
	if s.Budgets != nil {
		all := slices.Clone(s.Budgets())
		for i := range all {
			all[i].Key = scrub(all[i].Key)
		}
		r.Budgets = top(all, func(a, b transport.BudgetState) int {
			return cmp.Or(cmp.Compare(a.Left, b.Left), cmp.Compare(a.Key, b.Key))
		})
	}
	if s.Caches != nil {
		r.Caches = append(r.Caches, s.Caches()...)
	}
	if s.Answers != nil {
		for source, n := range s.Answers() {
			r.Answers[transport.Source(scrub(string(source)))] += n
		}
	}
}

// rank orders circuits by how much one wants to see them.
func rank(c transport.Circuit) int {
	switch c.State {
	case transport.Open:
		return 0
	case transport.HalfOpen:
		return 1
	default:
		return 2
	}
}

// top returns the first of a list, in order.
func top[T any](all []T, order func(a, b T) int) []T {
	slices.SortFunc(all, order)
	if all == nil {
		return []T{}
	}
	return all[:min(len(all), maxRows)]
}

func worstRuns(runs map[string]int) map[string]int {
	names := top(slices.Collect(maps.Keys(runs)), func(a, b string) int {
		return cmp.Or(cmp.Compare(runs[b], runs[a]), cmp.Compare(a, b))
	})
	out := make(map[string]int, len(names))
	for _, name := range names {
		out[scrub(name)] = max(out[scrub(name)], runs[name])
	}
	return out
}

func performance(t transport.Traffic) *Performance {
	w := t.Window
	return &Performance{
		Total: t.Total, Succeeded: t.Succeeded, Failed: t.Failed, Mean: t.Mean.Seconds(), Last: t.Last,
		Neutral: t.Neutral, InFlight: t.InFlight, Window: w.Length.Seconds(), WindowTotal: w.Total,
		ErrorRate: 100 * w.ErrorRate(), P50: w.P50.Seconds(), P95: w.P95.Seconds(), P99: w.P99.Seconds(),
	}
}
