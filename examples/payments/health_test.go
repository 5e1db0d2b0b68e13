package main

import (
	"testing"

	"github.com/safetrip-go/safetrip/healthz"
)

func TestHealthKnowsTheReviewersQueue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		what             string
		charged, waiting int
		queue, rate      healthz.Status
		percent          float64
	}{
		{"nothing has happened", 0, 0, healthz.Healthy, healthz.Healthy, 100},
		{"all is settled", 20, 0, healthz.Healthy, healthz.Healthy, 100},
		{"one waits", 39, 1, healthz.Healthy, healthz.Healthy, 97.5},
		{"ten wait", 90, 10, healthz.Warning, healthz.Warning, 90},
		{"a quarter waits", 27, 9, healthz.Healthy, healthz.Critical, 75},
		{"too few for a rate", 0, 9, healthz.Healthy, healthz.Healthy, 0},
		{"a hundred wait", 0, 100, healthz.Critical, healthz.Critical, 0},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			b := newBusiness(t, &script{lines: []line{fails(422)}}, nil)
			all := sample(tt.charged + tt.waiting)
			if _, _, err := b.store.accept(t.Context(), all...); err != nil {
				t.Fatal(err)
			}
			for i, one := range all {
				to := charged
				if i >= tt.charged {
					to = review
				}
				if _, err := b.store.db.ExecContext(t.Context(), `UPDATE transactions SET state = ? WHERE id = ?`, to, one.ID); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.store.reviewQueue(t.Context()); got.Err != nil || got.Status != tt.queue || got.Value != float64(tt.waiting) {
				t.Errorf("the queue: %+v; want %v", got, tt.queue)
			}
			if got := b.store.successRate(t.Context()); got.Err != nil || got.Status != tt.rate || got.Value != tt.percent {
				t.Errorf("the rate: %+v; want %v, %v", got, tt.rate, tt.percent)
			}
		})
	}
}

func TestHealthKnowsTheDatabase(t *testing.T) {
	t.Parallel()
	b := newBusiness(t, &script{lines: []line{fails(422)}}, nil)
	m := newMonitor(b.store, t.TempDir())
	check := func() map[string]error {
		found := make(map[string]error)
		for _, c := range m.Checks {
			found[c.Name] = c.Run(t.Context()).Err
		}
		return found
	}
	for name, err := range check() {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.store.close()
	for name, err := range check() {
		if err == nil {
			t.Errorf("%s is well without a database", name)
		}
	}
}
