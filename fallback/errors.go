package fallback

import (
	"errors"
	"strings"

	"github.com/safetrip-go/safetrip/transport"
)

// An Error is what a call ends with that failed, and for which steps of the
// [Ladder] failed too. It wraps all of them: errors.Is and errors.As find
// causes in First before those in Steps.
type Error struct {
	First error   // what the call failed with
	Steps []error // what the steps failed with, in their order

	verdict transport.Verdict
}

// Error returns the first error's text and the steps'.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("fallback: " + e.First.Error())
	for _, s := range e.Steps {
		b.WriteString("; " + s.Error())
	}
	return b.String()
}

// Unwrap returns all errors, the first one first.
func (e *Error) Unwrap() []error { return append([]error{e.First}, e.Steps...) }

// Timeout reports whether the call itself failed by a timeout, as [net.Error]
// asks.
func (e *Error) Timeout() bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](e.First)
	return ok && t.Timeout()
}

// Verdict returns what the call was judged to be. [transport.Classify] takes
// it over.
func (e *Error) Verdict() transport.Verdict { return e.verdict }

// joined returns first, as it is if there is nothing to join to it.
func joined(first error, steps []error, v transport.Verdict) error {
	var errs []error
	for _, err := range steps {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		return first
	}
	return &Error{first, errs, v}
}
