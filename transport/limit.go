package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
// A place is held until the response body ends. Those who wait get one in the
// order in which they came, those with a higher priority first: see
// [WithPriority].
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
	// scheme and authority. It stands in errors, so it must hold no secret. At
	// most 10,000 keys are kept; the longest idle leave first, and what is under
	// way for them does not count any more.
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

// RoundTrip takes a place, sends, and gives the place back. A context that is
// over already is left to the transport, which knows how to refuse it: nobody
// has to wait for it, or to go.
func (l *limit) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Err() != nil {
		return l.Send(req)
	}
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
	if err := l.turn(req); err != nil {
		layer.CloseBody(req)
		return nil, err
	}
	resp, err := l.Send(req)
	if err == nil && l.Concurrency > 0 {
		resp.Body = bodyhook.Wrap(resp.Body, bodyhook.Hook{Done: func(error) { leave() }})
		held = false
	}
	return resp, err
}

// enter waits for a place. What it returns gives the place back.
func (l *limit) enter(req *http.Request) (leave func(), err error) {
	if l.Concurrency <= 0 {
		return func() {}, nil
	}
	k := keyOf(req, l.Key).canonical()
	r := l.rooms.GetOrAdd(k, func() (hostKey, *room) { return k.clone(), newRoom(k.String(), l.Concurrency) })
	if err := r.enter(req.Context(), l.Queue, l.Wait); err != nil {
		return nil, err
	}
	return r.leave, nil
}

// turn waits for the Rate. That it refuses while the context lives means that
// its turn would not come in time.
func (l *limit) turn(req *http.Request) error {
	if l.Rate == nil || l.Rate.Wait(req.Context()) == nil {
		return nil
	}
	if req.Context().Err() != nil {
		return waited(req.Context())
	}
	return &LimitError{Key: keyOf(req, l.Key).canonical().String(), What: "rate"}
}

// ErrLimited is what errors.Is finds in the refusal of a [Limit].
var ErrLimited = errors.New("transport: limit reached")

// A LimitError is a refusal of a [Limit].
type LimitError struct {
	Key  string
	What string // "queue": it is full, or was and somebody had a higher priority; "wait": no place in time; "rate": no turn in time
}

// Error names what was reached, and whose limit it was.
func (e *LimitError) Error() string { return ErrLimited.Error() + ": " + e.Key + ": " + e.reason() }

func (e *LimitError) reason() string {
	switch e.What {
	case "queue":
		return "queue full"
	case "wait":
		return "no place in time"
	default:
		return "no turn in time"
	}
}

// Is reports whether target is [ErrLimited].
func (e *LimitError) Is(target error) bool { return target == ErrLimited }

// Verdict says that the request was refused here.
func (e *LimitError) Verdict() Verdict {
	return Verdict{Outcome: Neutral, Category: RateLimit, Severity: Medium, Recoverable: true, Sent: Unsent}
}

// As makes a *Failure of the error when errors.As asks for one.
func (e *LimitError) As(target any) bool {
	f, ok := target.(**Failure)
	if ok {
		*f = newRefusal(e.Key, e, e.Verdict())
	}
	return ok
}
