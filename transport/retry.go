package transport

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/safetrip-go/safetrip/internal/layer"
)

// Retry sends a request again when that can help and does no harm.
//
// Whether it can help is the [Verdict]'s to say. Whether it does harm depends
// on the request: sent again are those with an idempotent method (RFC 9110,
// section 9.2.2), those with an Idempotency-Key header, those that provably
// were not sent, and those answered 425 or 429, which says that they were not
// processed. RetryUnsafeOn and RetryUnsafeMethods widen that.
//
// When no attempt is left, or none would fit the deadline, the last response
// comes back as it is, readable: a response is not an error. The last error
// comes back in a [Failure] if there were several attempts. Why it ended is
// in the [Trip].
//
// Retries are bounded by a [Budget], and do not multiply when one Retry stands
// in another: what an inner one gave up on, an outer one leaves alone.
type Retry struct {
	// MaxAttempts is how often a request is sent in all. If zero, it is 3; if
	// negative, it is 1.
	MaxAttempts int

	// BaseDelay is the wait before the second attempt; it doubles with each
	// further one. If zero, it is 1 s; if negative, there is no wait.
	BaseDelay time.Duration

	// MaxDelay bounds the wait. If zero, it is 60 s. A BaseDelay above that
	// raises it.
	MaxDelay time.Duration

	// Jitter makes waits uneven. If zero, it is HalfJitter.
	Jitter Jitter

	// MaxHint is how much of what a server asks for (Retry-After) is believed.
	// If zero, it is 60 s; if negative, hints are not followed.
	MaxHint time.Duration

	// MaxBodyBuffer is how large a request body without GetBody may be, in
	// bytes, to be kept while it is sent so that it can be sent again. Larger
	// ones are sent once. If zero, it is 64 KiB; if negative, none is kept.
	MaxBodyBuffer int

	// RetryUnsafeOn has further statuses on which any method is sent again,
	// such as 503 for an LLM's POST, or 409 where that passes.
	RetryUnsafeOn []int

	// RetryUnsafeMethods treats every method as idempotent. A payment may be
	// made twice.
	RetryUnsafeMethods bool

	// IdempotencyKey, if not nil, makes the Idempotency-Key of requests that
	// have none and whose method is not idempotent: one value for all attempts
	// of a call. [RandomKey] will do. It must be safe for concurrent use.
	IdempotencyKey func() string

	// Budget bounds retries per host. If nil, it is a Budget of this Wrap's
	// own; &Budget{Ratio: -1} has no bound.
	Budget *Budget

	// Check, if not nil, says in place of the verdict whether another attempt
	// is worth it. It is go-retryablehttp's type, so that its policies fit:
	// [DefaultCheck] is that library's own. An error that it returns beside a
	// response goes to the log; what counts is what it says. It is not asked
	// about refusals of an open circuit, which are there to be quick.
	Check retryablehttp.CheckRetry

	// Backoff, if not nil, computes the wait in place of BaseDelay, doubled
	// and made uneven. It is go-retryablehttp's type; [DefaultBackoff] is that
	// library's own. Its result is held to between 0 and MaxDelay.
	Backoff retryablehttp.Backoff

	// Classifier judges each attempt. If nil, it is Classify.
	Classifier Classifier

	// Logger is told of retries. If nil, nothing is logged.
	Logger *slog.Logger
}

// Validate returns an error that names every field out of its bounds.
func (r Retry) Validate() error {
	err := r.validate()
	if r.Budget != nil {
		err = errors.Join(err, r.Budget.Validate())
	}
	return err
}

// validate leaves the Budget out: one in use is judged by its fields as they
// were at its first Wrap.
func (r *Retry) validate() error {
	var errs []error
	if r.MaxDelay < 0 {
		errs = append(errs, fmt.Errorf("transport: Retry.MaxDelay is %v; it must not be negative", r.MaxDelay))
	}
	if r.BaseDelay > 0 && r.MaxDelay > 0 && r.BaseDelay > r.MaxDelay {
		errs = append(errs, fmt.Errorf("transport: Retry.BaseDelay is %v; it must not be above MaxDelay, %v", r.BaseDelay, r.MaxDelay))
	}
	if r.Jitter > NoJitter {
		errs = append(errs, fmt.Errorf("transport: Retry.Jitter is %d; it must be one of the kinds of jitter", r.Jitter))
	}
	for _, code := range r.RetryUnsafeOn {
		if code < 400 || code > 599 {
			errs = append(errs, fmt.Errorf("transport: Retry.RetryUnsafeOn has %d; it must hold statuses from 400 to 599", code))
		}
	}
	return errors.Join(errs...)
}

func (r Retry) withDefaults() Retry {
	r.MaxAttempts = defaultTo(r.MaxAttempts, 3, 1)
	r.BaseDelay = defaultTo(r.BaseDelay, time.Second, 0)
	r.MaxDelay = max(defaultTo(r.MaxDelay, time.Minute, 0), r.BaseDelay)
	r.MaxHint = defaultTo(r.MaxHint, time.Minute, 0)
	r.MaxBodyBuffer = defaultTo(r.MaxBodyBuffer, 64<<10, 0)
	r.RetryUnsafeOn = slices.Clone(r.RetryUnsafeOn)
	if r.Budget == nil {
		r.Budget = new(Budget)
	}
	return r
}

// Wrap returns next with failed requests sent again. It panics if r is not
// valid.
func (r Retry) Wrap(next http.RoundTripper) http.RoundTripper {
	if err := errors.Join(r.validate(), r.Budget.freeze()); err != nil {
		panic(err)
	}
	return &retry{Layer: layer.Layer{Next: next}, Retry: r.withDefaults(), assess: assessorOf(r.Classifier)}
}

type retry struct {
	layer.Layer
	Retry
	assess assessor
	log    retryLog
}

// RoundTrip sends attempts until one of them stands. A context that is over
// already is left to the transport, which knows how to refuse it.
func (r *retry) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Err() != nil {
		return r.Send(req)
	}
	s := sequence{retry: r, req: req, call: callOf(req.Context())}
	s.begin()
	for {
		resp, err := s.attempt()
		wait, again, why := s.decide(resp, err)
		if !again {
			return s.end(resp, err, why)
		}
		Discard(resp)
		if err := s.pause(wait); err != nil {
			return nil, err
		}
	}
}

// defaultTo returns def for zero and off for a negative value.
func defaultTo[T int | int64 | float64 | time.Duration](v, def, off T) T {
	switch {
	case v == 0:
		return def
	case v < 0:
		return off
	}
	return v
}
