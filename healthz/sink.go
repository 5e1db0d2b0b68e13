package healthz

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// A Sink is told of alerts. Each sink is called from a goroutine of its own,
// never twice at once, with a context that ends with Alerts.Timeout; a sink
// that is slow, hangs or panics is the worse for it alone. [Log] and
// [Webhook.Sink] return sinks.
type Sink func(context.Context, Alert)

// queueLen is how many alerts wait for a slow sink before the oldest is lost.
const queueLen = 64

// A queue holds the alerts that a sink has not been told of yet.
type queue struct {
	sink   Sink
	name   string
	wake   chan struct{} // has room for one
	worker worker        // belongs to the goroutine that serves the queue

	mu      sync.Mutex // guards the rest
	waiting []Alert
	missed  int
}

func (q *queue) put(a Alert) {
	a.Reasons = slices.Clone(a.Reasons) // the sink may do with it what it likes
	q.mu.Lock()
	if len(q.waiting) == queueLen {
		q.waiting = slices.Delete(q.waiting, 0, 1)
		q.missed++
	}
	q.waiting = append(q.waiting, a)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() (Alert, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return Alert{}, false
	}
	a := q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	a.Missed, q.missed = q.missed, 0
	return a, true
}

// A sinkSet is the queues of a Monitor.
type sinkSet struct {
	mu     sync.Mutex // guards queues
	queues []*queue
}

func (s *sinkSet) add(sink Sink) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &queue{sink: sink, name: fmt.Sprintf("sink %d", len(s.queues)+1), wake: make(chan struct{}, 1)}
	s.queues = append(slices.Clip(s.queues), q)
	return q
}

func (s *sinkSet) list() []*queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queues
}

// serve hands a queue's alerts to its sink, one after the other. The caller
// holds m.mu.
func (r *run) serve(q *queue) {
	r.wg.Go(func() {
		for r.ctx.Err() == nil {
			if a, ok := q.take(); ok {
				r.tell(q, a)
				continue
			}
			select {
			case <-r.ctx.Done():
			case <-q.wake:
			}
		}
		r.leave(&q.worker, q.name)
	})
}

// tell calls a sink. When that takes too long, tell says so once and waits for
// it all the same: the sink must not be called again before.
func (r *run) tell(q *queue, a Alert) {
	ctx, cancel := context.WithTimeoutCause(r.ctx, r.m.set.alerts.Timeout, errTimeout)
	defer cancel()
	log := r.m.set.logger.With("agent", r.m.set.name, "sink", q.name, "check", a.Check)
	call := func() {
		defer func() {
			if v := recover(); v != nil {
				log.Error("health alert: the sink panicked", "type", fmt.Sprintf("%T", v))
			}
		}()
		q.sink(ctx, a)
	}
	if q.worker.free(r.ctx) && !q.worker.do(ctx, call) && r.ctx.Err() == nil {
		log.Warn("health alert: the sink takes too long", "timeout", r.m.set.alerts.Timeout)
		q.worker.free(r.ctx)
	}
}

// Log returns a sink that writes alerts to a logger: those that are critical
// as errors, warnings as warnings, recoveries for information. If logger is
// nil, it is [slog.Default].
func Log(logger *slog.Logger) Sink {
	return func(ctx context.Context, a Alert) {
		log := logger
		if log == nil {
			log = slog.Default()
		}
		level := [...]slog.Level{Healthy: slog.LevelInfo, Warning: slog.LevelWarn, Critical: slog.LevelError}[a.To]
		what := "worse"
		switch {
		case a.Repeat:
			what = "still bad"
		case a.To < a.From:
			what = "better"
		}
		log.LogAttrs(ctx, level, "health alert", slog.String("is", what), slog.String("agent", a.Agent), slog.String("check", a.Check),
			slog.String("from", a.From.String()), slog.String("to", a.To.String()), slog.Time("since", a.Since),
			slog.Any("reasons", a.Reasons), slog.String("overall", a.Overall.String()))
	}
}
