package transport

import (
	"errors"
	"math"
	"time"
)

// An opening is one time that a circuit is open. It lives on through the
// half-open state. Its errors are made once, so that refusing allocates
// nothing.
type opening struct {
	until    time.Time
	refusal  OpenError // while open
	probing  OpenError // while half-open with no place for another probe
	rejected *tally
}

// hold is longer than any program runs.
const hold = time.Duration(math.MaxInt64)

// newOpening begins one that lasts for d. The refusals of all openings of a
// circuit are counted together.
func (c *circuit) newOpening(d time.Duration) *opening {
	o := &opening{until: time.Now().Add(d), rejected: new(tally)}
	if last := c.open.Load(); last != nil {
		o.rejected = last.rejected
	}
	key := c.key.String()
	o.refusal = OpenError{Key: key, State: Open, Until: o.until}
	o.probing = OpenError{Key: key, State: HalfOpen, Until: o.until}
	c.open.Store(o)
	return o
}

// ErrCircuitOpen is what errors.Is finds in the refusal of a circuit.
var ErrCircuitOpen = errors.New("transport: circuit open")

// An OpenError is a circuit's refusal. It is shared by all calls that one
// opening refuses: it must not be changed.
type OpenError struct {
	Key   string
	State State     // Open, or HalfOpen if all probes are on their way
	Until time.Time // when the next probe may pass
}

// Error names the circuit and its state.
func (e *OpenError) Error() string {
	return ErrCircuitOpen.Error() + ": " + e.Key + " is " + e.State.String()
}

// Is reports whether target is [ErrCircuitOpen].
func (e *OpenError) Is(target error) bool { return target == ErrCircuitOpen }

// Left returns how long the circuit stays open from now.
func (e *OpenError) Left() time.Duration { return max(0, time.Until(e.Until)) }

// Verdict says that the request was refused here and when to come back.
func (e *OpenError) Verdict() Verdict {
	return Verdict{
		Outcome: Neutral, Category: CircuitOpen, Severity: Medium, Recoverable: true, Sent: Unsent,
		Hint: Hint{After: e.Left()},
	}
}

// As makes a *Failure of the error when errors.As asks for one. It is made
// only then, so that a refusal costs nothing.
func (e *OpenError) As(target any) bool {
	f, ok := target.(**Failure)
	if ok {
		*f = newRefusal(e.Key, e, e.Verdict())
	}
	return ok
}
