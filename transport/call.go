package transport

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// call is everything that the kit keeps in a request's context. It is one
// value, so that a layer needs one lookup for all of it. It is never changed
// once it is in a context; each With function stores a changed copy.
type call struct {
	operation      string
	idempotencyKey string
	noRetry        bool
	priority       Priority
	attempt        *atomic.Int32 // number of the attempt this request is, nil when not resent
	deadline       time.Time     // set by Deadline
	trip           *Trip
}

type callKey struct{}

// noCall answers for contexts without a call.
var noCall call

func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &noCall
}

func withCall(ctx context.Context, change func(*call)) context.Context {
	c := *callOf(ctx)
	change(&c)
	return context.WithValue(ctx, callKey{}, &c)
}

// WithOperation names what a request made with the context is for, such as
// "load user". The name stands for the call in logs, [Stats], spans and
// metrics instead of the method and host. Choose it from a small set: it is a
// key.
func WithOperation(ctx context.Context, name string) context.Context {
	return withCall(ctx, func(c *call) { c.operation = name })
}

// OperationOf returns the name that [WithOperation] gave, or "".
func OperationOf(ctx context.Context) string { return callOf(ctx).operation }

// WithoutRetry makes [Retry] send a request once.
func WithoutRetry(ctx context.Context) context.Context {
	return withCall(ctx, func(c *call) { c.noRetry = true })
}

// WithIdempotencyKey makes [Retry] send key as the Idempotency-Key header of
// every attempt, which allows it to resend any method. A request that has the
// header already keeps its own.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return withCall(ctx, func(c *call) { c.idempotencyKey = key })
}

// AttemptOf returns the number of the attempt that a request with this context
// is, as [Retry] counts: 1 for the first one, 2 for the first that is sent
// again. Ask while the attempt is under way: those that are sent again share a
// context, which tells the number of the last one.
func AttemptOf(ctx context.Context) int {
	if n := callOf(ctx).attempt; n != nil {
		return int(n.Load())
	}
	return 1
}

// resent is the context of a request that is sent again, and that request: one
// allocation, which all further attempts of the call share. The context ends
// when its parent does, and package context sees through it: a child of it
// costs no goroutine.
type resent struct {
	context.Context
	call    call
	number  atomic.Int32
	request http.Request
}

func newResent(req *http.Request, c *call) *resent {
	r := &resent{Context: req.Context(), call: *c}
	r.call.attempt = &r.number
	r.request = *req.WithContext(r)
	return r
}

func (r *resent) Value(key any) any {
	if key == (callKey{}) {
		return &r.call
	}
	return r.Context.Value(key)
}

// String keeps whoever prints the context from printing the request, or from
// reading the number while it changes.
func (r *resent) String() string { return "transport.resent" }

// operationOf returns the name of a call: the operation if it has one, and
// otherwise its method and host.
func operationOf(req *http.Request) operation {
	if name := callOf(req.Context()).operation; name != "" {
		return operation{name: name}
	}
	op := operation{method: req.Method}
	if op.method == "" {
		op.method = http.MethodGet
	}
	if req.URL != nil {
		op.host = req.URL.Host
	}
	return op
}

// operation is a name kept in its parts, so that no string need be built to
// use it as a key.
type operation struct{ name, method, host string }

// clone returns an operation that does not hold on to the URL it was cut from.
func (o operation) clone() operation {
	return operation{o.name, strings.Clone(o.method), strings.Clone(o.host)}
}

func (o operation) String() string {
	if o.name != "" {
		return o.name
	}
	return o.method + " " + o.host
}
