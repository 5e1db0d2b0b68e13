package transport

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestBreakerWalk walks at random, and compares each step with the simplest
// circuit that one could write.
func TestBreakerWalk(t *testing.T) {
	steps := 25_000 // of each of four walks
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for n := range uint64(4) {
		synctest.Test(t, func(t *testing.T) { walk(t, rand.New(rand.NewPCG(seed, n)), steps) })
	}
}

// naive is a circuit without locks, generations or words.
type naive struct {
	threshold, probes, successes int

	state     State
	until     time.Time
	failures  int
	onTheWay  int
	inARow    int
	openings  int
	epoch     int // counts changes of state
	rejected  uint64
	longest   time.Duration
	shortest  time.Duration
	changedTo []State
}

func (n *naive) become(s State) {
	n.state, n.onTheWay, n.inARow = s, 0, 0
	n.epoch++
	n.changedTo = append(n.changedTo, s)
}

func (n *naive) allow() (passes, probe bool) {
	if n.state == Open && !time.Now().Before(n.until) {
		n.become(HalfOpen)
	}
	switch {
	case n.state == Closed:
		return true, false
	case n.state == HalfOpen && n.onTheWay < n.probes:
		n.onTheWay++
		return true, true
	}
	n.rejected++
	return false, false
}

func (n *naive) trip() {
	n.longest = min(10*time.Minute, time.Minute<<min(n.openings, 10))
	n.shortest = n.longest
	if n.openings > 0 {
		n.shortest = n.longest * 4 / 5
	}
	n.become(Open)
}

func (n *naive) report(epoch int, probe bool, o Outcome) {
	if epoch != n.epoch {
		return
	}
	if probe {
		n.onTheWay--
	}
	switch {
	case o == Neutral:
	case probe && o == Failed:
		n.openings++
		n.trip()
	case probe:
		if n.inARow++; n.inARow == n.successes {
			n.become(Closed)
			n.failures, n.openings = 0, 0
		}
	case o == Failed:
		if n.failures++; n.failures == n.threshold {
			n.trip()
		}
	default:
		n.failures = max(0, n.failures-1)
	}
}

func walk(t *testing.T, r *rand.Rand, steps int) {
	type flight struct {
		end   func(int)
		epoch int
		probe bool
	}
	model := &naive{threshold: 1 + r.IntN(5), probes: 1 + r.IntN(3), successes: 1 + r.IntN(4)}
	var told []State
	b := Breaker{
		FailureThreshold: model.threshold, Probes: model.probes, Successes: model.successes,
		OnChange: func(c Change) { told = append(told, c.To) },
	}
	base := newPatient()
	rt := b.Wrap(base)
	var inFlight []flight
	for step := range steps {
		switch what := r.IntN(10); {
		case what < 4 && len(inFlight) < 8: // a call begins
			before := model.state
			if passes, probe := model.allow(); passes {
				inFlight = append(inFlight, flight{base.begin(t, rt), model.epoch, probe})
			} else if !refuses(t, rt) {
				t.Fatalf("step %d: a call passed a circuit that is %v", step, before)
			}
		case what < 8 && len(inFlight) > 0: // a call ends
			i := r.IntN(len(inFlight))
			f := inFlight[i]
			inFlight = slices.Delete(inFlight, i, i+1)
			code := [...]int{200, 200, 503, 503, 503, 429}[r.IntN(6)]
			f.end(code)
			wasOpen := model.epoch
			model.report(f.epoch, f.probe, Classify(nil, &http.Response{StatusCode: code}, nil).Outcome)
			if model.epoch != wasOpen && model.state == Open {
				left := the(t, &b).Left
				if left > model.longest || left < model.shortest {
					t.Fatalf("step %d: it opened for %v, want from %v to %v", step, left, model.shortest, model.longest)
				}
				model.until = time.Now().Add(left)
			}
		case what == 8:
			time.Sleep(time.Duration(r.IntN(100)) * time.Second)
		case what == 9 && step%50 == 0 && len(b.States()) > 0:
			b.Reset("http://a.test")
			if model.state != Closed {
				model.become(Closed)
			} else {
				model.epoch++
			}
			model.failures, model.openings = 0, 0
		}
		if len(b.States()) == 0 {
			continue
		}
		got := the(t, &b)
		if got.State != model.state || got.Failures != model.failures || got.Successes != model.inARow || got.Rejected != model.rejected {
			t.Fatalf("step %d: got %+v, the model has %+v", step, got, *model)
		}
		if !slices.Equal(told, model.changedTo) {
			t.Fatalf("step %d: it told of %v, the model of %v", step, told, model.changedTo)
		}
		told, model.changedTo = nil, nil
	}
	for _, f := range inFlight {
		f.end(200)
	}
}
