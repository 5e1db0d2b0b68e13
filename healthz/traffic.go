package healthz

import (
	"context"

	"github.com/safetrip-go/safetrip/transport"
)

// Sources are the functions that a Monitor reads the live traffic's state
// with: the snapshot methods of the kit's other parts, or your own. They are
// called often and from several goroutines, also while a report is asked for,
// and must return at once. Each may be nil.
type Sources struct {
	// Traffic is Stats's snapshot. It brings the checks error_rate,
	// response_time and consecutive_failures.
	Traffic func() transport.Traffic

	// Circuits is [transport.Breaker]'s States. It brings the checks
	// open_circuits and service_availability.
	Circuits func() []transport.Circuit

	// Ladders has the levels of fallback ladders. It brings the check
	// service_level.
	Ladders func() []transport.LadderState

	// Budgets has the retry budgets.
	Budgets func() []transport.BudgetState

	// Caches has the response caches.
	Caches func() []transport.CacheState

	// Answers has the number of answers by where they came from.
	Answers func() map[transport.Source]uint64
}

// measure returns a check of the program's own state, which costs nothing to
// read.
func measure(name, description string, read func() Result) Check {
	return Check{
		Name: name, Description: description, upstream: true,
		Run: func(context.Context) Result { return read() },
	}
}

func errorRate(traffic func() transport.Traffic, t Thresholds) Check {
	return measure("error_rate", "Share of calls that failed lately", func() Result {
		w := traffic().Window
		rate := 100 * w.ErrorRate()
		return enough(w, t.MinCalls, rated(t.ErrorRate, rate, "%"))
	})
}

func responseTime(traffic func() transport.Traffic, t Thresholds) Check {
	return measure("response_time", "95th percentile of response times lately", func() Result {
		w := traffic().Window
		return enough(w, t.MinCalls, rated(t.ResponseTime, w.P95.Seconds(), "s"))
	})
}

// enough forgives a result that too few calls led to: one failure of one call
// is a rate of 100 %.
func enough(w transport.Window, least int, r Result) Result {
	if w.Total < uint64(least) {
		r.Status = Healthy
	}
	return r
}

func consecutiveFailures(traffic func() transport.Traffic, b Bounds) Check {
	return measure("consecutive_failures", "Most failures in a row of one operation", func() Result {
		worst := 0
		for _, n := range traffic().Consecutive {
			worst = max(worst, n)
		}
		return rated(b, float64(worst), "failures")
	})
}

// refuses says whether a circuit refuses calls. One that failed and whose time
// is over lets the next call pass, though it is called open until that call
// comes; if none ever comes, nobody misses the service.
func refuses(c transport.Circuit) bool {
	return c.State == transport.Open && (c.Left > 0 || c.LastFailure.IsZero())
}

func openCircuits(circuits func() []transport.Circuit, b Bounds) Check {
	return measure("open_circuits", "Circuits that refuse calls", func() Result {
		open := 0
		for _, c := range circuits() {
			if refuses(c) {
				open++
			}
		}
		return rated(b, float64(open), "circuits")
	})
}

func availability(circuits func() []transport.Circuit, b Bounds) Check {
	return measure("service_availability", "Share of services whose circuit lets calls pass", func() Result {
		share := 100.0
		if all := circuits(); len(all) > 0 {
			passing := 0
			for _, c := range all {
				if !refuses(c) {
					passing++
				}
			}
			share = 100 * float64(passing) / float64(len(all))
		}
		status, bound := b.judgeFloor(share)
		return Result{Status: status, Value: share, Threshold: bound, Unit: "%"}
	})
}

func serviceLevel(ladders func() []transport.LadderState, b Bounds) Check {
	return measure("service_level", "Worst level of a fallback ladder", func() Result {
		worst := transport.Full
		for _, l := range ladders() {
			worst = max(worst, l.Level)
		}
		return rated(b, float64(worst), levelUnit)
	})
}

// levelUnit marks a value that is a [transport.Level].
const levelUnit = "level"

func rated(b Bounds, v float64, unit string) Result {
	status, bound := b.judge(v)
	return Result{Status: status, Value: v, Threshold: bound, Unit: unit}
}
