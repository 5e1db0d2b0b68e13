package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// Deadline bounds one call with all of its attempts and waits. It stands
// outside [Retry], which sees the deadline and does not begin a wait that
// would not fit; and inside the ladder, so that a step can still answer.
//
// The time ends with the response headers, unless Body is set: a stream may
// live on.
type Deadline struct {
	// Total is how long the call may take until its headers are there. If zero
	// or negative, there is no limit.
	Total time.Duration

	// Body makes the limit hold until the response body is closed, as
	// [http.Client.Timeout] does.
	Body bool
}

// Wrap returns next with the deadline applied to every request.
func (d Deadline) Wrap(next http.RoundTripper) http.RoundTripper {
	if d.Total <= 0 {
		return next
	}
	return &deadline{timeout{Layer: layer.Layer{Next: next}, what: "call", limit: d.Total, whole: d.Body}}
}

type deadline struct{ timeout }

// RoundTrip does not use [context.WithTimeout]: a context that tells its
// deadline ends there, and the body with it. The deadline travels in a value.
func (d *deadline) RoundTrip(req *http.Request) (*http.Response, error) {
	end := time.Now().Add(d.limit)
	return d.roundTrip(withCall(req.Context(), func(c *call) { c.deadline = earlier(c.deadline, end) }), req)
}

// deadlineOf returns when a call must have its headers, zero if there is no
// limit: by its context, or by a [Deadline].
func deadlineOf(ctx context.Context) time.Time {
	end, _ := ctx.Deadline()
	return earlier(callOf(ctx).deadline, end)
}

// earlier returns the earlier one of two times of which either may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// isLate reports whether it was a deadline that ended ctx, which is over. That
// of a [Deadline] ends it with a cause.
func isLate(ctx context.Context) bool {
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}
