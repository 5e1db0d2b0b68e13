package healthz

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// An entry is a check with what is known of it.
type entry struct {
	check Check
	last  atomic.Pointer[verdict] // nil until the first run ended
	first atomic.Bool             // it was there when Run started
	done  context.Context         // ends when the check is removed
	gone  func()

	worker  worker // this and damper belong to the goroutine that runs the check
	damper  damper
	firing  atomic.Pointer[Alert] // nil if nothing is wrong
	history history
}

// A verdict is what one run came to. It does not change.
type verdict struct {
	at      time.Time
	took    time.Duration
	status  Status // what counts
	failed  bool   // it was critical, whatever counts
	problem string // a category, and perhaps one of the kit's own phrases; "" unless failed
	result  Result
}

func newEntry(c Check, interval time.Duration) *entry {
	c.defaults(interval)
	e := &entry{check: c}
	e.done, e.gone = context.WithCancel(context.Background())
	return e
}

// A reading is a verdict as it is to be understood now.
type reading struct {
	*verdict
	pending bool // no run has ended yet
	stale   bool // too old to believe
}

// read returns what is to be thought of the check now.
func (e *entry) read(now time.Time) reading {
	v := e.last.Load()
	if v == nil {
		return reading{verdict: &verdict{}, pending: true}
	}
	if age := now.Sub(v.at); e.check.MaxAge >= 0 && age > e.check.MaxAge {
		old := *v
		old.status, old.failed = Critical, true
		old.problem = "stale: the last verdict is " + spell(age) + " old"
		return reading{verdict: &old, stale: true}
	}
	return reading{verdict: v}
}

// historyLen is how many runs of a check are remembered.
const historyLen = 60

// A history is the statuses of a check's last runs.
type history struct {
	mu   sync.Mutex // guards the rest
	runs [historyLen]Status
	n    int // runs ever
}

func (h *history) add(s Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runs[h.n%historyLen] = s
	h.n++
}

// list returns the remembered runs, the oldest first.
func (h *history) list() []Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Status, 0, historyLen)
	for i := max(0, h.n-historyLen); i < h.n; i++ {
		out = append(out, h.runs[i%historyLen])
	}
	return out
}
