package transport

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestABreakerGoesOnWhereAnotherIs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		heir   *Breaker
		counts bool // failures that were counted still count
	}{
		{"with another threshold", &Breaker{FailureThreshold: 3, Successes: 1}, true},
		{"with another rule", &Breaker{Rule: Ratio{MinCalls: 2}, Successes: 1}, false},
		{"with another bound", &Breaker{MaxCircuits: 5, FailureThreshold: 3, Successes: 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				code := 503
				base := Func(func(req *http.Request) (*http.Response, error) { return answer(req, code, ""), nil })
				old := &Breaker{FailureThreshold: 2}
				before := old.Wrap(base)
				for _, host := range []string{"http://a.test", "http://a.test", "http://b.test", "http://b.test"} {
					send(t, before, get(t, host))
				}
				old.Reset("http://b.test")
				old.settings.failureThreshold = 5 // so that it stays closed
				send(t, before, get(t, "http://b.test"))
				send(t, before, get(t, "http://b.test"))
				time.Sleep(20 * time.Second)

				tt.heir.Inherit(old)
				after := tt.heir.Wrap(base)
				if !refuses(t, after) {
					t.Fatal("the circuit was open, and passes a call under the new settings")
				}
				states := tt.heir.States()
				if len(states) != 2 || states[0].Left != 40*time.Second || states[1].State != Closed {
					t.Fatalf("the states are %+v; want a.test open for 40 s more, b.test closed", states)
				}
				if got := states[1].Failures; (got == 2) != tt.counts {
					t.Errorf("b.test has %d failures of before", got)
				}

				time.Sleep(40 * time.Second)
				code = 200
				if refuses(t, after) {
					t.Error("the open time is over, and no probe passes")
				}
				if s := tt.heir.States()[0].State; s != Closed {
					t.Errorf("one good probe is enough under the new settings, and the circuit is %v", s)
				}
			})
		})
	}
}

// An engine that holds what cannot be compared must not make for a panic.
type uncomparable struct{ of any }

func (uncomparable) Allow(string) bool     { return true }
func (uncomparable) Report(string, Result) {}
func (uncomparable) State(string) State    { return Closed }

func TestInheritComparesAnyEngine(t *testing.T) {
	old := &Breaker{Engine: uncomparable{[]int{}}}
	old.Wrap(http.DefaultTransport)
	heir := &Breaker{Engine: uncomparable{[]int{}}}
	heir.Inherit(old)
	if heir.circuits == old.circuits {
		t.Error("two engines that cannot be compared count as one")
	}
}
