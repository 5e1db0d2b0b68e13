package healthz

import (
	"slices"
	"time"
)

// A probe is one of the three questions that a Monitor answers.
type probe struct {
	name   string
	counts func(*Check) bool
	// early says that the answer is good before the first run of every check
	// ended: a program that starts is alive.
	early bool
}

var probes = []*probe{
	{name: "healthz", counts: func(*Check) bool { return true }},
	{name: "livez", counts: func(c *Check) bool { return c.Live }, early: true},
	{name: "readyz", counts: func(c *Check) bool { return c.Ready }},
}

// probeNamed returns the probe of that name, or nil.
func probeNamed(name string) *probe {
	for _, p := range probes {
		if p.name == name {
			return p
		}
	}
	return nil
}

// A question is what a probe is asked: about all of its checks, all but some,
// or one.
type question struct {
	probe   *probe
	only    string   // a check's name, or ""
	exclude []string // checks' names
}

// An answer is what is to be said to a question. Reading it is all that a
// request costs.
type answer struct {
	status Status
	reason string // of a status that no check is to blame for
	lines  []line // in the order of the checks
}

// A line is one check's part of an answer.
type line struct {
	entry    *entry
	excluded bool
	reading
}

const (
	notRunning = "not running: call Run"
	firstRun   = "first run pending"
)

// ask reads the verdicts. It runs no check and waits for nothing.
func (m *Monitor) ask(q question, now time.Time) answer {
	m.freeze()
	entries := *m.entries.Load()
	a := answer{lines: make([]line, 0, len(entries))}
	running, waiting := m.running.Load() != nil, false
	for _, e := range entries {
		if q.only != "" && e.check.Name != q.only {
			continue
		}
		l := line{entry: e, excluded: slices.Contains(q.exclude, e.check.Name), reading: e.read(now)}
		if !running {
			// What was found before Run ended is no news of today.
			l.reading = reading{verdict: &verdict{}, pending: true}
		}
		waiting = waiting || l.pending && e.first.Load() && !l.excluded
		if q.only == "" && !q.probe.counts(&e.check) {
			continue
		}
		if !l.excluded && !l.pending {
			a.status = max(a.status, l.status)
		}
		a.lines = append(a.lines, l)
	}
	switch {
	case !running:
		a.status, a.reason = Critical, notRunning
	case waiting && !q.probe.early:
		a.status, a.reason = Critical, firstRun
	}
	return a
}

// overall returns the status of everything, as the checks found it.
func (m *Monitor) overall() Status {
	worst, now := Healthy, time.Now()
	for _, e := range *m.entries.Load() {
		if r := e.read(now); !r.pending {
			worst = max(worst, r.status)
		}
	}
	return worst
}
