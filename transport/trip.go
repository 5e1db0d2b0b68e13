package transport

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Trip is what happened on the way of one call: its attempts, its circuit,
// where the answer came from. Ask for one with [NewTrip], as one would ask
// with [net/http/httptrace], and read it when the call returned. Where nobody
// asks, nothing is recorded.
//
// All methods work on a nil Trip, and are safe for concurrent use. The hops of
// a redirect append to the same Trip.
type Trip struct {
	mu       sync.Mutex // guards the rest
	attempts []Attempt
	circuit  CircuitRef
	answer   Answer
	gaveUp   Reason
	leader   context.Context
}

// An Attempt is one request on its way to the wire and what came of it, be it
// the refusal of an open circuit.
type Attempt struct {
	Wait     time.Duration // how long [Retry] waited before it
	Start    time.Time
	Duration time.Duration // until the headers were there, or the error
	Status   int           // 0 if there was no response
	Err      error
	Verdict  Verdict
	Circuit  CircuitRef // that it came to; the first attempt's has the state before the call
}

// A CircuitRef names a circuit and says in which state a call found it.
type CircuitRef struct {
	Key   string
	State State
}

// An Answer says where a response came from.
type Answer struct {
	Source Source
	Step   string // name of the ladder's step that answered, if one did
	Level  Level
}

// Source is where a response came from.
type Source string

// The sources. A user's own step may name others.
const (
	SourceOrigin    Source = "origin"    // the service that was called
	SourceCache     Source = "cache"     // a stored response
	SourceAlternate Source = "alternate" // another service
	SourceStatic    Source = "static"    // made up here
)

// Level is how much of a service is left.
type Level uint8

// The levels.
const (
	Full     Level = iota // the service answers
	Degraded              // a step of the ladder answers in its place
	Offline               // nothing does
)

// String returns full, degraded or offline.
func (l Level) String() string { return word(levels[:], int(l)) }

// MarshalText makes a level's word its JSON form.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

var levels = [...]string{Full: "full", Degraded: "degraded", Offline: "offline"}

// Reason is why [Retry] did not send a failed request again.
type Reason string

// The reasons.
const (
	ReasonAttempts Reason = "attempts" // all attempts were used
	ReasonDeadline Reason = "deadline" // the wait would not end before the deadline
	ReasonHint     Reason = "hint"     // the server asked for a wait past the deadline, or for no retry
	ReasonBudget   Reason = "budget"   // too many retries to this host already
	ReasonMethod   Reason = "method"   // it is not safe to send it twice
	ReasonBody     Reason = "body"     // its body cannot be had again
	ReasonVerdict  Reason = "verdict"  // it would not help
	ReasonCanceled Reason = "canceled" // the caller changed its mind
	ReasonNested   Reason = "nested"   // somebody else retries it: a Retry further in or out, an SDK
	ReasonOff      Reason = "off"      // [WithoutRetry]
)

// NewTrip returns a context for one call, and the Trip that the call will fill
// in. A context that has a Trip already returns that one.
func NewTrip(ctx context.Context) (context.Context, *Trip) {
	if t := TripFrom(ctx); t != nil {
		return ctx, t
	}
	both := &struct { // in one allocation
		call
		Trip
	}{call: *callOf(ctx)}
	both.trip = &both.Trip
	return context.WithValue(ctx, callKey{}, &both.call), &both.Trip
}

// TripFrom returns the Trip that [NewTrip] put in the context, or nil.
func TripFrom(ctx context.Context) *Trip { return callOf(ctx).trip }

// TripOf returns the Trip of the call that resp answers, or nil if the
// request's context carried none.
func TripOf(resp *http.Response) *Trip {
	if resp == nil || resp.Request == nil {
		return nil
	}
	return TripFrom(resp.Request.Context())
}

// locked runs do under the lock, and not at all for a nil Trip.
func (t *Trip) locked(do func()) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	do()
}

// Attempts returns the attempts so far, the first one first. Requests that no
// [Retry] sent are not among them.
func (t *Trip) Attempts() (all []Attempt) {
	t.locked(func() { all = slices.Clone(t.attempts) })
	return all
}

// Circuit returns the circuit that the last attempt came to.
func (t *Trip) Circuit() (c CircuitRef) {
	t.locked(func() { c = t.circuit })
	return c
}

// Answer returns where the response came from. Its Source is "" when there was
// none, or when it came from the service itself and no layer had a reason to
// say so.
func (t *Trip) Answer() (a Answer) {
	t.locked(func() { a = t.answer })
	return a
}

// GaveUp returns why a failed call was not sent again, or "" if there was
// nothing to give up.
func (t *Trip) GaveUp() (r Reason) {
	t.locked(func() { r = t.gaveUp })
	return r
}

// Leader returns the context of the call whose answer this one shares, or nil
// if the answer is its own. Tracing links the two.
func (t *Trip) Leader() context.Context {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.leader
}

// AddAttempt appends an attempt, which came to the circuit that was set last if
// it names none. It is for layers that send.
func (t *Trip) AddAttempt(a Attempt) {
	t.locked(func() {
		a.Circuit = cmp.Or(a.Circuit, t.circuit)
		t.attempts = append(t.attempts, a)
	})
}

// SetCircuit records the circuit that an attempt came to. It is for layers
// that guard.
func (t *Trip) SetCircuit(key string, state State) {
	t.locked(func() { t.circuit = CircuitRef{key, state} })
}

// SetAnswer records where the response came from. It is for layers that
// answer.
func (t *Trip) SetAnswer(a Answer) {
	t.locked(func() { t.answer = a })
}

// SetGaveUp records why a call was not sent again. It is for layers that
// retry.
func (t *Trip) SetGaveUp(r Reason) {
	t.locked(func() { t.gaveUp = r })
}

// SetLeader records the context of the call whose answer this one shares, nil
// for none. It is for layers that let calls wait for one another.
func (t *Trip) SetLeader(ctx context.Context) {
	t.locked(func() { t.leader = ctx })
}
