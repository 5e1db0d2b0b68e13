package transport

import (
	"errors"
	"fmt"
	"time"
)

// A Rule says when failures open a closed circuit: [Leaky], [Ratio] or [Slow].
type Rule interface {
	counter() counter
	validate() error
}

// A counter is a rule at work in one circuit. The circuit's lock guards it.
type counter interface {
	count(r result, threshold int) (trip bool)
	dirty() bool // whether a success would change anything
	timed() bool // whether it asks how long a call took; constant
	slow(took time.Duration) bool
	failures(now time.Time) int
	reset()
}

// A result is what a counter is told of one call.
type result struct {
	now    time.Time
	took   time.Duration // zero if nobody asked
	failed bool
}

// Leaky opens a circuit when failures outweigh successes: a failure adds one, a
// success takes one away, and [Breaker.FailureThreshold] opens it. It is the
// default, for it needs no clock and no volume and is quick with a service
// that is plainly down.
//
// It has no memory for rates. With failures at random and a threshold of 5 it
// opens after some 290 calls at a failure rate of 30 %, 720 at 25 %, 2,300 at
// 20 %, 83,000 at 10 %. Use [Ratio] with a service that fails so often when it
// is well.
type Leaky struct{}

func (Leaky) counter() counter { return new(leak) }
func (Leaky) validate() error  { return nil }

type leak struct{ level int }

func (l *leak) count(r result, threshold int) bool {
	if !r.failed {
		l.level = max(0, l.level-1)
		return false
	}
	l.level++
	return l.level >= threshold
}

func (l *leak) dirty() bool             { return l.level > 0 }
func (l *leak) timed() bool             { return false }
func (l *leak) slow(time.Duration) bool { return false }
func (l *leak) failures(time.Time) int  { return l.level }
func (l *leak) reset()                  { l.level = 0 }

// Ratio opens a circuit when at least Share of the calls in a sliding window
// failed. [Breaker.FailureThreshold] does not matter.
type Ratio struct {
	// Share of calls that must fail, above 0 and up to 1. If zero, it is 0.5.
	Share float64

	// MinCalls is how many calls the window must hold. If zero, it is 20.
	MinCalls int

	// Window is the length of the sliding window. If zero, it is 10 s.
	Window time.Duration
}

func (r Ratio) counter() counter {
	return newRate(r.Share, r.MinCalls, r.Window, 0)
}

func (r Ratio) validate() error { return validateRate("Ratio", r.Share, r.MinCalls, r.Window) }

// Slow opens a circuit when at least Share of the calls in a sliding window
// took longer than Over, or failed. [Breaker.FailureThreshold] does not matter.
type Slow struct {
	// Over is how long a call may take to its headers, and to the end of a body
	// that [Buffer] reads ahead, without being slow. If zero, it is 5 s.
	Over time.Duration

	// Share, MinCalls and Window are as in [Ratio].
	Share    float64
	MinCalls int
	Window   time.Duration
}

func (s Slow) counter() counter {
	return newRate(s.Share, s.MinCalls, s.Window, defaultTo(s.Over, 5*time.Second, 0))
}

func (s Slow) validate() error {
	err := validateRate("Slow", s.Share, s.MinCalls, s.Window)
	if s.Over < 0 {
		err = errors.Join(err, fmt.Errorf("transport: Slow.Over is %v; it must not be negative", s.Over))
	}
	return err
}

func validateRate(rule string, share float64, minCalls int, window time.Duration) error {
	var errs []error
	if !(share >= 0 && share <= 1) {
		errs = append(errs, fmt.Errorf("transport: %s.Share is %v; it must be from 0 to 1", rule, share))
	}
	if minCalls < 0 {
		errs = append(errs, fmt.Errorf("transport: %s.MinCalls is %d; it must not be negative", rule, minCalls))
	}
	if window < 0 || window > 0 && window < ringSlots {
		errs = append(errs, fmt.Errorf("transport: %s.Window is %v; it must be at least %v", rule, window, time.Duration(ringSlots)))
	}
	return errors.Join(errs...)
}
