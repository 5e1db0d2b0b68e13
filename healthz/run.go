package healthz

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// ErrRunning is returned by [Monitor.Run] when the Monitor runs already.
var ErrRunning = errors.New("healthz: Run was called twice")

// grace is how long Run waits for checks and sinks that do not heed the end of
// their context.
const grace = 5 * time.Second

// A run is one call of Run.
type run struct {
	m     *Monitor
	ctx   context.Context
	since time.Time
	over  chan struct{}  // closed when ctx ended
	wg    sync.WaitGroup // of loops, which end with ctx

	mu    sync.Mutex // guards stuck
	stuck []string   // what went on in spite of the grace
}

// Run runs the checks until ctx ends, and then returns nil. All goroutines
// that it started have ended by then, except those of checks and sinks that
// ignore the end of their context: they are given five seconds, and named in
// the error that Run then returns. It also returns at once, with an error, if
// a field is not valid ([Monitor.Validate]) or if the Monitor runs already.
//
// It may be called again afterwards. Every check then starts anew.
func (m *Monitor) Run(ctx context.Context) error {
	if s := m.freeze(); s.fault != nil {
		return s.fault
	}
	r, err := m.start(ctx)
	if err != nil {
		return err
	}
	<-ctx.Done()
	m.mu.Lock() // what Add starts, it has started by now
	m.running.Store(nil)
	m.mu.Unlock()
	close(r.over)
	r.wg.Wait()
	m.occupied.Store(false)
	if len(r.stuck) > 0 {
		return fmt.Errorf("healthz: still running after the end of Run: %s", strings.Join(r.stuck, ", "))
	}
	return nil
}

func (m *Monitor) start(ctx context.Context) (*run, error) {
	if !m.occupied.CompareAndSwap(false, true) {
		return nil, ErrRunning
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &run{m: m, ctx: ctx, since: time.Now(), over: make(chan struct{})}
	for _, e := range *m.entries.Load() {
		e.last.Store(nil)
		e.first.Store(true)
		e.firing.Store(nil)
		e.damper = damper{}
		r.watch(e)
	}
	for _, q := range m.sinks.list() {
		r.serve(q)
	}
	if m.set.sources.Traffic != nil {
		r.wg.Go(func() { m.samples.loop(ctx, m.set.sources.Traffic) })
	}
	m.running.Store(r)
	return r, nil
}

// watch runs one check, over and over. The caller holds m.mu.
func (r *run) watch(e *entry) {
	r.wg.Go(func() {
		ctx, cancel := context.WithCancel(r.ctx)
		defer cancel()
		defer context.AfterFunc(e.done, cancel)()
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				if !e.worker.free(r.ctx) { // where the check was removed, there is time until Run ends
					r.leave(&e.worker, "check "+e.check.Name)
				}
				return
			case <-timer.C:
			}
			next := time.Now().Add(jitter(e.check.Interval))
			r.ask(ctx, e)
			timer.Reset(time.Until(next))
		}
	})
}

// jitter returns d, a tenth more or less, so that the checks of many programs
// that started together do not stay together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

// ask runs a check once and records what came of it.
func (r *run) ask(parent context.Context, e *entry) {
	if since, busy := e.worker.busy(); busy {
		r.record(e, time.Since(since), failure(errTimeout, transport.TimedOut, "it has been running for "+spell(time.Since(since))))
		return
	}
	ctx, cancel := context.WithTimeoutCause(parent, e.check.Timeout, errTimeout)
	defer cancel()
	start := time.Now()
	var res Result
	ended := e.worker.do(ctx, func() { r.call(ctx, e, &res) })
	switch {
	case parent.Err() != nil: // whatever it says, it was interrupted
	case ended:
		r.record(e, time.Since(start), res)
	default:
		r.record(e, time.Since(start), failure(errTimeout, transport.TimedOut, "no answer within "+spell(e.check.Timeout)))
	}
}

// errTimeout is why a check's context ended. It is found to be a timeout by
// those who see it as the cause of their own error.
var errTimeout error = timeoutError{}

type timeoutError struct{}

func (timeoutError) Error() string   { return "healthz: the check took too long" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
func (timeoutError) Unwrap() error   { return context.DeadlineExceeded }

// call runs a check and catches its panic. The result is set in any case, also
// if the check calls runtime.Goexit. The error is classified here, since that
// calls methods of the error, which may panic as well.
func (r *run) call(ctx context.Context, e *entry, res *Result) {
	*res = failure(errPanicked, transport.System, "it panicked")
	returned := false
	defer func() {
		if returned {
			return
		}
		// The value stays out of the log: nobody knows what it holds.
		r.m.set.logger.Error("health check panicked", "agent", r.m.set.name, "check", e.check.Name,
			"type", fmt.Sprintf("%T", recover()), "stack", string(debug.Stack()))
	}()
	found := e.check.Run(ctx)
	if found.Err != nil {
		found.category = r.m.set.category(found.Err)
	}
	*res, returned = found, true
}

var (
	errPanicked  = errors.New("healthz: the check panicked")
	errNotNumber = errors.New("healthz: the check measured no number")
)

// failure returns the result of a run that went wrong in a way that no
// Classifier needs to be asked about.
func failure(err error, category transport.Category, note string) Result {
	return Result{Err: err, category: category.String(), note: note}
}

func notNumber(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) }

// record turns a result into the check's verdict.
func (r *run) record(e *entry, took time.Duration, res Result) {
	if res.Unit != "" && res.Err == nil && (notNumber(res.Value) || notNumber(res.Threshold)) {
		res = failure(errNotNumber, transport.System, "it measured no number")
	}
	v := &verdict{at: time.Now(), took: took, status: min(res.Status, Critical), result: res}
	switch {
	case res.Err != nil:
		v.problem = res.category
	case res.Status >= Critical:
		v.problem = critical
	}
	if v.problem != "" {
		v.failed, v.status = true, Critical
		if res.note != "" {
			v.problem += ": " + res.note
		}
		if e.check.WarnOnly {
			v.status = Warning
		}
	}
	e.last.Store(v)
	e.history.add(v.status)
	r.alert(e, v)
}

// leave waits a little for what a worker still does.
func (r *run) leave(w *worker, what string) {
	if w.wait(grace) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stuck = append(r.stuck, what)
}

// critical is what is wrong with a check that says so itself.
const critical = "critical"
