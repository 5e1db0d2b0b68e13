package healthz

import (
	"context"
	"time"
)

// A worker does one thing at a time, and can be left alone with it. It belongs
// to one goroutine.
type worker struct {
	done  chan struct{} // closed when the thing is done; nil if there was none
	since time.Time
}

// busy says whether the worker still does what it was left alone with, and
// since when.
func (w *worker) busy() (time.Time, bool) {
	if w.done == nil {
		return time.Time{}, false
	}
	select {
	case <-w.done:
		w.done = nil
		return time.Time{}, false
	default:
		return w.since, true
	}
}

// do calls f in a goroutine, and returns when f did, or with false when ctx
// ended before. Then the worker is busy.
func (w *worker) do(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	w.done, w.since = done, time.Now()
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		w.done = nil
		return true
	case <-ctx.Done():
		return false
	}
}

// wait waits until the worker is free, at most for d, and says whether it is.
func (w *worker) wait(d time.Duration) bool {
	if w.done == nil {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.done:
		w.done = nil
		return true
	case <-t.C:
		return false
	}
}

// free waits until the worker is free, and says whether it is; it is not if
// ctx ended before.
func (w *worker) free(ctx context.Context) bool {
	if w.done == nil {
		return true
	}
	select {
	case <-w.done:
		w.done = nil
		return true
	case <-ctx.Done():
		return false
	}
}
