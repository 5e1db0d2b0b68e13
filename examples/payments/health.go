package main

import (
	"context"
	"time"

	"github.com/safetrip-go/safetrip/healthz"
)

// newMonitor returns what /healthz shows beside the traffic to the gateway: the
// database, the reviewers' queue, and how many transactions need no reviewer.
func newMonitor(s *store, dir string) *healthz.Monitor {
	database := healthz.Func("database", func(ctx context.Context) error {
		var one int
		return s.db.QueryRowContext(ctx, `SELECT 1 FROM sqlite_schema LIMIT 1`).Scan(&one)
	})
	database.Ready = true // without it nothing can be accepted
	return &healthz.Monitor{
		Checks: []healthz.Check{
			database,
			{Name: "review_queue", Description: "Transactions that wait for a reviewer", Run: s.reviewQueue},
			{Name: "success_rate", Description: "Transactions of the last hour that the gateway settled", Run: s.successRate},
		},
		Thresholds: healthz.Thresholds{DiskPath: dir}, // where the database grows
		Interval:   5 * time.Second,
		Detail:     fromHere,
	}
}

// The bounds of the checks.
const (
	manyReviews, tooManyReviews = 10, 100 // transactions
	fewSettled, tooFewSettled   = 95, 80  // percent
	leastSettled                = 10      // transactions in the hour, for the rate to count
)

func (s *store) reviewQueue(ctx context.Context) healthz.Result {
	counts, err := s.count(ctx, time.Time{})
	n := counts[review] + counts[voiding]
	r := healthz.Result{Err: err, Value: float64(n), Threshold: manyReviews, Unit: "transactions"}
	switch {
	case n >= tooManyReviews:
		r.Status, r.Threshold = healthz.Critical, tooManyReviews
	case n >= manyReviews:
		r.Status = healthz.Warning
	}
	return r
}

// successRate is the share of transactions that were charged or declined, of
// those that are not on their way.
func (s *store) successRate(ctx context.Context) healthz.Result {
	counts, err := s.count(ctx, time.Now().Add(-time.Hour))
	settled := counts[charged] + counts[declined]
	all := settled + counts[review] + counts[voiding] + counts[voided]
	r := healthz.Result{Err: err, Value: 100, Threshold: fewSettled, Unit: "%"}
	if all == 0 {
		return r
	}
	r.Value = 100 * float64(settled) / float64(all)
	switch {
	case all < leastSettled:
	case r.Value < tooFewSettled:
		r.Status, r.Threshold = healthz.Critical, tooFewSettled
	case r.Value < fewSettled:
		r.Status = healthz.Warning
	}
	return r
}
