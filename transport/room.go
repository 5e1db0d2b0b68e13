package transport

import (
	"context"
	"strings"
	"sync/atomic"
	"time"
)

// A room is the places for one host.
type room struct {
	key     string
	places  chan struct{}
	waiting atomic.Int64
}

// newRoom clones key, which may be part of a request's URL.
func newRoom(key string, places int) *room {
	return &room{key: strings.Clone(key), places: make(chan struct{}, places)}
}

// enter takes a place. If there is none, it waits for one with up to queue
// others and for as long as patience, which has no end if it is negative.
func (r *room) enter(ctx context.Context, queue int, patience time.Duration) error {
	select {
	case r.places <- struct{}{}:
		return nil
	default:
	}
	defer r.waiting.Add(-1)
	if r.waiting.Add(1) > int64(queue) {
		return &LimitError{Key: r.key, What: "queue"}
	}
	var late <-chan time.Time
	if patience >= 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case r.places <- struct{}{}:
		return nil
	case <-late:
		return &LimitError{Key: r.key, What: "wait"}
	case <-ctx.Done():
		return waited(ctx)
	}
}

func (r *room) leave() { <-r.places }

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
