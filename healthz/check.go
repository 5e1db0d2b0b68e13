package healthz

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// A Check asks one question about the program or its surroundings, again and
// again. [Func], [HTTP], [TCP], [DNS] and [Certificate] make checks; the fields
// of what they return may be changed before it is handed to a [Monitor].
type Check struct {
	// Name is the check's name in reports, in paths (/healthz/name) and in
	// ?exclude=. It is required and has letters, digits, '-', '_' and '.' only,
	// at most 100 of them.
	Name string

	// Description says in a sentence what is checked. It may be empty.
	Description string

	// Run asks the question. It is required. It is called from a goroutine of
	// its own, never twice at once, with a context that ends with the timeout.
	// A panic counts as a failure.
	Run func(context.Context) Result

	// Interval is the time from one run to the next, give or take a tenth. If
	// zero, it is the Monitor's.
	Interval time.Duration

	// Timeout ends a run that takes too long. If zero, it is 10 s or Interval,
	// whichever is shorter. A run that goes on in spite of it is left alone,
	// and the check fails, without another run, until it ended.
	Timeout time.Duration

	// MaxAge is the age beyond which a verdict is too old to believe, which is
	// critical. If zero, it is three times Interval, and Timeout; if
	// negative, verdicts do not age.
	MaxAge time.Duration

	// WarnOnly makes the check's failure a warning. Otherwise it is critical.
	WarnOnly bool

	// Live counts the check for /livez: its failure says that the program
	// should be restarted. A check of something outside the program cannot be
	// Live, since no restart here mends a thing there.
	Live bool

	// Ready counts the check for /readyz: its failure says that the program
	// should be sent no requests for now.
	Ready bool

	upstream bool  // it looks at something outside the program
	system   bool  // it looks at the machine
	fault    error // what is wrong with the literal that made it
}

// A Result is what one run of a check found. It has no room for a text, and of
// an error only the category is shown: reports are read by more people than
// may know what error texts hold, such as tokens in URLs. Who needs the text
// logs it inside the check.
type Result struct {
	// Status is the finding. If Err is not nil, it is Critical.
	Status Status

	// Err is why the check failed, if it did.
	Err error

	// Value is what was measured, if Unit is not "".
	Value float64

	// Threshold is the bound that Value is to be compared with.
	Threshold float64

	// Unit is the unit of Value and Threshold, such as "%" or "s".
	Unit string

	category string // of Err
	note     string // said beside it; one of the kit's own phrases
}

// Func returns a check that passes while fn returns nil, such as a database's
// PingContext. It counts for readiness if you say so:
//
//	c := healthz.Func("db", db.PingContext)
//	c.Ready = true
func Func(name string, fn func(context.Context) error) Check {
	c := Check{Name: name}
	if fn == nil {
		c.fault = fmt.Errorf("healthz: check %q: fn must not be nil", name)
		return c
	}
	c.Run = func(ctx context.Context) Result { return Result{Err: fn(ctx)} }
	return c
}

// validate joins all that is wrong with the check.
func (c *Check) validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("healthz: check %q: "+format, append([]any{c.Name}, args...)...))
	}
	if c.fault != nil {
		errs = append(errs, c.fault)
	}
	if !validName(c.Name) {
		bad("Name must be 1 to 100 letters, digits, '-', '_' or '.', and no probe's name")
	}
	if c.Run == nil && c.fault == nil {
		bad("Run must not be nil")
	}
	if c.Interval < 0 {
		bad("Interval must not be negative, is %v", c.Interval)
	}
	if c.Timeout < 0 {
		bad("Timeout must not be negative, is %v", c.Timeout)
	}
	if c.Live && c.upstream {
		bad("Live must be false: it depends on something outside the program, which a restart does not mend")
	}
	return errors.Join(errs...)
}

func validName(s string) bool {
	if s == "" || len(s) > 100 || s == "." || s == ".." || probeNamed(s) != nil {
		return false
	}
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return true
}

// defaults fills in what the check leaves to the Monitor.
func (c *Check) defaults(interval time.Duration) {
	if c.Interval == 0 {
		c.Interval = interval
	}
	c.Interval = min(c.Interval, math.MaxInt64/4) // three times that is a Duration still
	if c.Timeout == 0 {
		c.Timeout = min(10*time.Second, c.Interval)
	}
	if c.MaxAge == 0 {
		c.MaxAge = 3*c.Interval + c.Timeout
	}
}
