package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/internal/bodyhook"
	"github.com/safetrip-go/safetrip/internal/layer"
)

// Timeout bounds one attempt, so that [Retry] has time for another. It stands
// inside Retry and Breaker, around the layer that sends.
//
// It never cuts a live stream: Headers ends with the headers, and Idle starts
// anew with every read.
type Timeout struct {
	// Headers is how long the response headers may take, from the start of the
	// attempt: connecting, sending the body and waiting included. If zero or
	// negative, there is no limit; an Agent of package safetrip sets 10 s.
	Headers time.Duration

	// Idle is how long one read of the response body may go without a byte.
	// The time between reads does not count. If zero or negative, there is no
	// limit.
	Idle time.Duration
}

// Wrap returns next with the timeouts applied to every request.
func (t Timeout) Wrap(next http.RoundTripper) http.RoundTripper {
	if t.Headers <= 0 && t.Idle <= 0 {
		return next
	}
	return &timeout{Layer: layer.Layer{Next: next}, what: "response headers", limit: t.Headers, idle: t.Idle}
}

// timeout is what [Timeout] and [Deadline] wrap with: a context that ends when
// the headers take too long, and otherwise lives until the body ends.
type timeout struct {
	layer.Layer
	what  string
	limit time.Duration // for the headers, or for the body too if whole is set
	whole bool
	idle  time.Duration // for one read of the body
}

func (t *timeout) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.roundTrip(req.Context(), req)
}

func (t *timeout) roundTrip(ctx context.Context, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	resp, err := t.send(req.WithContext(ctx), cancel)
	// The time may have been up just as the headers came. Then the context is
	// over, and the body with it.
	if late, ok := ownTimeout(ctx); ok {
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		return nil, late
	}
	if err != nil {
		cancel(err)
		return nil, err
	}
	resp.Request = req
	if (t.idle > 0 || t.whole) && resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = watchBody(ctx, resp.Body, t.idle, cancel)
	}
	resp.Body = bodyhook.Wrap(resp.Body, bodyhook.Hook{Done: cancel})
	return resp, nil
}

// send sends req and ends its context when the time is up, or when there is a
// panic below.
func (t *timeout) send(req *http.Request, cancel context.CancelCauseFunc) (*http.Response, error) {
	returned := false
	defer func() {
		if !returned {
			cancel(context.Canceled)
		}
	}()
	if t.limit > 0 {
		timer := time.AfterFunc(t.limit, func() { cancel(&TimeoutError{t.what, t.limit}) })
		if t.whole {
			context.AfterFunc(req.Context(), func() { timer.Stop() })
		} else {
			defer func() {
				if !timer.Stop() { // it is over, though nobody may have been told yet
					cancel(&TimeoutError{t.what, t.limit})
				}
			}()
		}
	}
	resp, err := t.Send(req)
	returned = true
	return resp, err
}

// ownTimeout returns the TimeoutError that ended ctx, if one did.
func ownTimeout(ctx context.Context) (*TimeoutError, bool) {
	if ctx.Err() == nil {
		return nil, false
	}
	return errors.AsType[*TimeoutError](context.Cause(ctx))
}

// A TimeoutError is the end of an attempt, or of a call, that took too long
// for a limit of the kit's. Its Timeout method returns true, and it is
// [context.DeadlineExceeded] to errors.Is.
type TimeoutError struct {
	What  string        // "response headers", "response body" or "call"
	Limit time.Duration // the limit that was reached
}

// Error names the limit.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("transport: %s timed out after %v", e.What, e.Limit)
}

// Timeout returns true.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary returns true, as that of [context.DeadlineExceeded] does. It is
// there because a [net.Error] must have it.
func (e *TimeoutError) Temporary() bool { return true }

// Is reports whether target is [context.DeadlineExceeded].
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
