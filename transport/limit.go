package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/safetrip-go/safetrip/internal/bodyhook"
	"github.com/safetrip-go/safetrip/internal/layer"
	"github.com/safetrip-go/safetrip/internal/table"
)

// Limit bounds how many attempts are under way to one host, so that a slow
// service does not take all of a program's goroutines and memory (a bulkhead),
// and how many are begun in a second. It stands inside [Breaker], which does
// not hear of its refusals: they say nothing of the service.
//
// A place is held until the response body ends.
type Limit struct {
	// Concurrency is how many attempts may be under way to one host. If zero
	// or negative, there is no bound.
	Concurrency int

	// Queue is how many more may wait for a place. If zero, it is
	// Concurrency; if negative, none may wait.
	Queue int

	// Wait is how long one may wait for a place. If zero, it is 1 s; if
	// negative, as long as its context allows.
	Wait time.Duration

	// Rate, if not nil, is asked before each attempt; it waits until there is
	// room. A *rate.Limiter of golang.org/x/time/rate fits as it is. One Rate
	// is for all hosts.
	Rate interface{ Wait(context.Context) error }

	// Key says which requests have a bound together. If nil, it is the URL's
	// scheme and authority. At most 10,000 keys are kept.
	Key func(*http.Request) string
}

// Validate returns an error that names every field out of its bounds.
func (l Limit) Validate() error {
	if l.Concurrency <= 0 && l.Queue > 0 {
		return fmt.Errorf("transport: Limit.Queue is %d; without Concurrency nothing waits", l.Queue)
	}
	return nil
}

// Wrap returns next bounded by l. It panics if l is not valid.
func (l Limit) Wrap(next http.RoundTripper) http.RoundTripper {
	if err := l.Validate(); err != nil {
		panic(err)
	}
	if l.Concurrency <= 0 && l.Rate == nil {
		return next
	}
	l.Queue = defaultTo(l.Queue, l.Concurrency, 0)
	l.Wait = defaultTo(l.Wait, time.Second, -1)
	return &limit{Layer: layer.Layer{Next: next}, Limit: l}
}

type limit struct {
	layer.Layer
	Limit
	rooms table.Table[hostKey, room]
}

func (l *limit) RoundTrip(req *http.Request) (*http.Response, error) {
	leave, err := l.enter(req)
	if err != nil {
		layer.CloseBody(req)
		return nil, err
	}
	held := true
	defer func() {
		if held {
			leave()
		}
	}()
	resp, err := l.Send(req)
	if err == nil && l.Concurrency > 0 {
		resp.Body = bodyhook.Wrap(resp.Body, bodyhook.Hook{Done: func(error) { leave() }})
		held = false
	}
	return resp, err
}

// enter waits for a place and for the rate. What it returns gives the place
// back.
func (l *limit) enter(req *http.Request) (leave func(), err error) {
	leave = func() {}
	if l.Concurrency > 0 {
		k := keyOf(req, l.Key).canonical()
		r := l.rooms.GetOrAdd(k, func() (hostKey, *room) { return k.clone(), &room{places: make(chan struct{}, l.Concurrency)} })
		if err := r.enter(req.Context(), l.Queue, l.Wait); err != nil {
			return nil, err
		}
		leave = r.leave
	}
	if l.Rate != nil {
		if err := l.wait(req.Context()); err != nil {
			leave()
			return nil, err
		}
	}
	return leave, nil
}

// wait asks the Rate. That it refuses while the context lives means that its
// turn would not come in time.
func (l *limit) wait(ctx context.Context) error {
	switch err := l.Rate.Wait(ctx); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return &LimitError{What: "rate"}
}

// A room is the places for one host.
type room struct {
	places  chan struct{}
	waiting atomic.Int64
}

func (r *room) enter(ctx context.Context, queue int, patience time.Duration) error {
	select {
	case r.places <- struct{}{}:
		return nil
	default:
	}
	defer r.waiting.Add(-1)
	if r.waiting.Add(1) > int64(queue) {
		return &LimitError{What: "queue"}
	}
	var over <-chan time.Time
	if patience >= 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case r.places <- struct{}{}:
		return nil
	case <-over:
		return &LimitError{What: "wait"}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *room) leave() { <-r.places }

// ErrLimited is what errors.Is finds in the refusal of a [Limit].
var ErrLimited = errors.New("transport: limit reached")

// A LimitError is a refusal of a [Limit].
type LimitError struct {
	What string // "queue": it is full; "wait": no place in time; "rate": no turn in time
}

// Error names what was reached.
func (e *LimitError) Error() string { return ErrLimited.Error() + ": " + e.What }

// Is reports whether target is [ErrLimited].
func (e *LimitError) Is(target error) bool { return target == ErrLimited }

// Verdict says that the request was refused here.
func (e *LimitError) Verdict() Verdict {
	return Verdict{Outcome: Neutral, Category: RateLimit, Severity: Medium, Recoverable: true, Sent: Unsent}
}
