package transport

import "context"

// Priority says which calls [Limit] serves first when it cannot serve all.
type Priority int8

// The priorities.
const (
	LowPriority    Priority = -1 // what can wait, such as a nightly job
	NormalPriority Priority = 0
	HighPriority   Priority = 1 // what somebody waits for
)

// WithPriority lets a request pass those of a lower priority that wait in a
// [Limit] for a place. Where the queue is full, the last of those with the
// lowest priority makes room for it, and is refused, if that priority is below
// p. Whoever has a place keeps it. A p below LowPriority counts as
// LowPriority, one above HighPriority as HighPriority.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return withCall(ctx, func(c *call) { c.priority = min(max(p, LowPriority), HighPriority) })
}
