package transport

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// A room is the places for one host, and those who wait for one.
type room struct {
	key string

	mu      sync.Mutex // guards the rest
	free    int
	waiting int
	queues  [HighPriority - LowPriority + 1][]*guest // by priority, the first to come first
}

// A guest waits for a place.
type guest struct {
	priority Priority
	called   chan error // nil for a place, or why there is none
}

// newRoom clones key, which may be part of a request's URL.
func newRoom(key string, places int) *room {
	return &room{key: strings.Clone(key), free: places}
}

// enter takes a place. If there is none, it waits for one with up to queue
// others and for as long as patience, which has no end if it is negative.
func (r *room) enter(ctx context.Context, queue int, patience time.Duration) error {
	g, err := r.ask(callOf(ctx).priority, queue)
	if g == nil {
		return err
	}
	var late <-chan time.Time
	if patience >= 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case err := <-g.called:
		return err
	case <-late:
		err = &LimitError{Key: r.key, What: "wait"}
	case <-ctx.Done():
		err = waited(ctx)
	}
	if !r.forget(g) && <-g.called == nil { // it was given a place just now
		r.leave()
	}
	return err
}

// ask takes a place if one is free. Otherwise it returns the guest who waits
// for one, or why nobody may.
func (r *room) ask(p Priority, queue int) (*guest, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.free > 0 {
		r.free--
		return nil, nil
	}
	if r.waiting >= queue && !r.displace(p) {
		return nil, &LimitError{Key: r.key, What: "queue"}
	}
	g := &guest{p, make(chan error, 1)}
	q := r.queue(p)
	*q = append(*q, g)
	r.waiting++
	return g, nil
}

func (r *room) queue(p Priority) *[]*guest { return &r.queues[p-LowPriority] }

// displace sends away the last of those with the lowest priority, if that is
// below p.
func (r *room) displace(p Priority) bool {
	for low := LowPriority; low < p; low++ {
		if q := *r.queue(low); len(q) > 0 {
			r.call(low, len(q)-1, &LimitError{Key: r.key, What: "queue"})
			return true
		}
	}
	return false
}

// call ends the wait of the i-th with priority p.
func (r *room) call(p Priority, i int, err error) {
	q := r.queue(p)
	(*q)[i].called <- err
	*q = slices.Delete(*q, i, i+1)
	r.waiting--
}

// forget takes g out of its queue, and reports whether it was there still.
func (r *room) forget(g *guest) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queue(g.priority)
	i := slices.Index(*q, g)
	if i < 0 {
		return false
	}
	*q = slices.Delete(*q, i, i+1)
	r.waiting--
	return true
}

// leave gives a place to the first of those with the highest priority.
func (r *room) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := HighPriority; p >= LowPriority; p-- {
		if len(*r.queue(p)) > 0 {
			r.call(p, 0, nil)
			return
		}
	}
	r.free++
}

// waited returns why a context ended while its request waited here.
func waited(ctx context.Context) error {
	if isLate(ctx) {
		return &waitedError{context.Cause(ctx)}
	}
	return context.Cause(ctx)
}

// A waitedError is the caller's deadline, where it came before the request was
// sent. The service had no part in it.
type waitedError struct{ error }

func (e *waitedError) Unwrap() error { return e.error }
func (e *waitedError) Timeout() bool { return isTimeout(e.error) }
