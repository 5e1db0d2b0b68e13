package transport

import (
	"context"
	"time"
)

// Detach returns a context for work that goes on when the call whose context
// is ctx is over, such as the revalidation of a stale response. It has ctx's
// values, but not its end, nor its [Trip], nor its place among the attempts of
// a [Retry].
func Detach(ctx context.Context) context.Context {
	return withCall(context.WithoutCancel(ctx), func(c *call) {
		c.trip, c.attempt, c.deadline = nil, nil, time.Time{}
	})
}
