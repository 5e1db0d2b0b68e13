package main

import (
	"context"
	"sync/atomic"

	"github.com/safetrip-go/safetrip/healthz"
)

// A queue has jobs that wait. It is healthy as long as they are few.
type queue struct{ waiting atomic.Int64 }

const (
	queueWarning  = 50
	queueCritical = 100
)

func (q *queue) check(context.Context) healthz.Result {
	n := q.waiting.Load()
	r := healthz.Result{Value: float64(n), Threshold: queueWarning, Unit: "jobs"}
	switch {
	case n >= queueCritical:
		r.Status, r.Threshold = healthz.Critical, queueCritical
	case n >= queueWarning:
		r.Status = healthz.Warning
	}
	return r
}
