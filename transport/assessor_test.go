package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheShortcutChangesNothing sends calls at random through two chains, of
// which one may know sooner that a call went well. Nobody can tell them apart.
func TestTheShortcutChangesNothing(t *testing.T) {
	first := rand.Uint64()
	for seed := first; seed < first+100; seed++ {
		short, long := told(t, seed, nil), told(t, seed, Classify)
		for i := range short {
			if short[i] != long[i] {
				t.Fatalf("seed %d, after call %d: with the shortcut\n%s\nwithout\n%s", seed, i, short[i], long[i])
			}
		}
	}
}

// told returns all that can be known of a chain with the classifier, after each
// of its calls.
func told(t *testing.T, seed uint64, c Classifier) (all []string) {
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 0))
		yes := func() bool { return r.IntN(2) == 0 }
		base := Func(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Duration(r.IntN(4)) * 3 * time.Second)
			if r.IntN(8) == 0 {
				return nil, [...]error{errRefused, errBoom, context.Canceled, nil}[r.IntN(4)]
			}
			resp := &http.Response{StatusCode: [...]int{0, 101, 200, 200, 200, 204, 301, 399, 400, 404, 429, 500, 503, 503}[r.IntN(14)]}
			if yes() {
				resp.Body = http.NoBody
			}
			if yes() {
				resp.Header = http.Header{"X-Should-Retry": {fmt.Sprint(yes())}, "Retry-After": {"2"}}
			}
			return resp, nil
		})

		var log syncBuffer
		var changes []Change
		logger := slog.New(slog.NewTextHandler(&log, nil))
		stats := new(Stats)
		b := &Breaker{FailureThreshold: 2, Successes: 2, Probes: 1, DryRun: yes(), Classifier: c}
		b.OnChange = func(c Change) { c.OpenFor = 0; changes = append(changes, c) } // how long is for chance to say
		engine := new(toyEngine)
		switch r.IntN(4) {
		case 0:
			b.Rule = Slow{MinCalls: 2}
		case 1:
			b.Rule = Ratio{MinCalls: 3}
		case 2:
			b.Engine = engine
		}
		retry := Retry{Jitter: NoJitter, Logger: logger, Classifier: c}
		if r.IntN(3) == 0 {
			retry.Check = func(_ context.Context, resp *http.Response, err error) (bool, error) {
				return yes(), [...]error{nil, errBoom}[r.IntN(2)]
			}
		}
		rt := Chain(base, Record{Stats: stats, Logger: logger, Classifier: c}.Wrap, retry.Wrap, b.Wrap)
		for range 20 {
			req := newRequest(t, [...]string{"GET", "POST"}[r.IntN(2)], "http://a.test", strings.NewReader("sent"))
			var trip *Trip
			if yes() {
				req, trip = withTrip(req)
			}
			if r.IntN(8) == 0 {
				ctx, cancel := context.WithCancelCause(req.Context())
				cancel(errBoom)
				req = req.WithContext(ctx)
			}
			resp, err := rt.RoundTrip(req)
			attempts := trip.Attempts()
			for i := range attempts {
				if errors.Is(attempts[i].Err, ErrCircuitOpen) {
					attempts[i].Verdict.Hint.After = 0
				}
			}
			got := fmt.Sprint(err, errors.Unwrap(err), attempts, trip.GaveUp(), trip.Circuit(), stats.Traffic(), engine.reports, changes, log.String())
			if resp != nil {
				got += fmt.Sprint(resp.StatusCode, resp.Header, resp.Body == nil, resp.Request == req)
			}
			for _, c := range b.States() {
				c.Left = 0
				got += fmt.Sprintf("%+v", c)
			}
			all = append(all, got)
			time.Sleep([...]time.Duration{0, time.Second, time.Hour}[r.IntN(3)])
		}
	})
	return all
}
