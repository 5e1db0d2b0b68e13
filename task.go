package safetrip

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// A task is what [Service.Do] is to do. It travels in the context of a request
// that never leaves the program, so that the layers which treat calls treat
// work too.
type task struct {
	work      func(context.Context) error
	fallbacks []func(context.Context) error
}

// check panics at once if something is nil. A fallback would do so only in an
// outage, which is late.
func (t *task) check() {
	if t.work == nil {
		panic("safetrip: Service.Do: the work is nil")
	}
	for i, do := range t.fallbacks {
		if do == nil {
			panic(fmt.Sprintf("safetrip: Service.Do: fallback %d is nil", i+1))
		}
	}
}

type taskKey struct{}

func taskOf(ctx context.Context) *task {
	t, _ := ctx.Value(taskKey{}).(*task)
	return t
}

// perform is the base of the layers: it does the work. Like any transport it
// does not begin once the context is over.
func perform(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := taskOf(ctx).work(ctx); err != nil {
		return nil, err
	}
	return done(req), nil
}

// substitute is the ladder's step: it does the first fallback that can be done.
func substitute(req *http.Request, _ transport.Verdict) (*http.Response, error) {
	ctx := req.Context()
	var errs []error
	for i, do := range taskOf(ctx).fallbacks {
		if ctx.Err() != nil {
			break
		}
		err := do(ctx)
		if err == nil {
			return done(req), nil
		}
		errs = append(errs, fmt.Errorf("fallback %d: %w", i+1, err))
	}
	if len(errs) == 0 {
		return nil, fallback.ErrNoAnswer
	}
	return nil, errors.Join(errs...)
}

func done(req *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody, Request: req,
	}
}
