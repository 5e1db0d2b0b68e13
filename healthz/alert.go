package healthz

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// An Alert tells of a check that changed from one status to another, and
// stayed there long enough to be believed.
type Alert struct {
	Agent   string    `json:"agent_name"`
	Check   string    `json:"check_name"`
	From    Status    `json:"from"`
	To      Status    `json:"to"`
	Since   time.Time `json:"since"`     // the first run that found To
	Time    time.Time `json:"timestamp"` // of the run that led to the alert
	Overall Status    `json:"overall_status"`
	Reasons []string  `json:"reasons"`          // values, bounds and categories; never the text of an error
	Repeat  bool      `json:"repeat,omitempty"` // nothing changed, it is still bad
	Missed  int       `json:"missed,omitempty"` // alerts that this sink was too slow for, right before this one
}

// Recovered says whether the alert is of something that is well again.
func (a Alert) Recovered() bool { return a.To == Healthy }

// Alerts says who is told of changes, and when. Between a check and its alerts
// stands a hysteresis: a check that goes back and forth raises one alert and
// not twenty. Probes have none, because whoever probes has one of his own
// (Kubernetes' failureThreshold), and two of them in a row are slow.
type Alerts struct {
	// Sinks are told. Others can come later: see [Monitor.OnAlert].
	Sinks []Sink

	// Bad is how many runs in a row must find a check worse before an alert
	// says so. If zero, it is 2; if negative, it is 1.
	Bad int

	// Good is how many runs in a row must find a check better before an alert
	// says so. If zero, it is 2; if negative, it is 1.
	Good int

	// Repeat repeats an alert while the check stays bad, on the first bad run
	// after this time; a nanosecond repeats it on each. If zero or negative,
	// alerts are not repeated.
	Repeat time.Duration

	// Timeout is how long a sink has for one alert. If zero, it is 10 s.
	Timeout time.Duration
}

func (a Alerts) defaults() Alerts {
	a.Sinks = slices.Clone(a.Sinks)
	a.Bad = max(1, defaulted(a.Bad, 2))
	a.Good = max(1, defaulted(a.Good, 2))
	if a.Timeout == 0 {
		a.Timeout = 10 * time.Second
	}
	return a
}

func (a Alerts) validate() error {
	if a.Timeout < 0 {
		return fmt.Errorf("healthz: Alerts.Timeout must not be negative, is %v", a.Timeout)
	}
	if slices.ContainsFunc(a.Sinks, func(s Sink) bool { return s == nil }) {
		return fmt.Errorf("healthz: Alerts.Sinks must have no nil in it")
	}
	return nil
}

// A damper is the hysteresis of one check.
type damper struct {
	level    Status
	bad      [Critical + 1]streak // runs in a row that were at least this bad
	good     [Critical + 1]streak // runs in a row that were at most this bad
	repeated time.Time
}

type streak struct {
	n     int
	since time.Time
}

// step takes the status of the latest run and returns the level before and
// after it, and since when that is so. A level is reached by a streak of runs
// that are at least (or at most) as bad: after healthy, warning and critical,
// two runs were at least a warning, but only one was critical.
func (d *damper) step(s Status, at time.Time, set Alerts) (from, to Status, since time.Time) {
	from, to, since = d.level, d.level, at
	for l := Healthy; l <= Critical; l++ {
		d.bad[l].count(s >= l, at)
		d.good[l].count(s <= l, at)
	}
	for l := from + 1; l <= Critical; l++ {
		if d.bad[l].n >= set.Bad {
			to, since = l, d.bad[l].since
		}
	}
	for l := Healthy; l < from; l++ { // the best that holds
		if d.good[l].n >= set.Good {
			to, since = l, d.good[l].since
			break
		}
	}
	d.level = to
	return from, to, since
}

func (s *streak) count(on bool, at time.Time) {
	switch {
	case !on:
		*s = streak{}
	case s.n == 0:
		*s = streak{1, at}
	default:
		s.n++
	}
}

// alert tells the sinks of a verdict, if there is a reason to.
func (r *run) alert(e *entry, v *verdict) {
	set := r.m.set.alerts
	from, to, since := e.damper.step(v.status, v.at, set)
	repeat := from == to && to > Healthy && v.status >= to && set.Repeat > 0 && v.at.Sub(e.damper.repeated) >= set.Repeat
	if from == to && !repeat {
		return
	}
	a := Alert{
		Agent: r.m.set.name, Check: e.check.Name, From: from, To: to, Since: since, Time: v.at,
		Overall: r.m.overall(), Reasons: []string{e.say(v)}, Repeat: repeat,
	}
	if last := e.firing.Load(); repeat && last != nil {
		a.From, a.Since = last.From, last.Since
	}
	e.damper.repeated = v.at
	if to == Healthy {
		e.firing.Store(nil)
	} else {
		e.firing.Store(&a)
	}
	if !repeat {
		r.m.alerted.add(a)
	}
	for _, q := range r.m.sinks.list() {
		q.put(a)
	}
}

// alertLogLen is how many alerts a report remembers.
const alertLogLen = 20

// An alertLog is the latest alerts.
type alertLog struct {
	mu     sync.Mutex // guards alerts
	alerts []Alert
}

func (l *alertLog) add(a Alert) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.alerts) == alertLogLen {
		l.alerts = slices.Delete(l.alerts, 0, 1)
	}
	l.alerts = append(l.alerts, a)
}

// list returns the latest alerts, the newest first.
func (l *alertLog) list() []Alert {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.alerts)
	slices.Reverse(out)
	return out
}
