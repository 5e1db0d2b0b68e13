// Package transport makes http.RoundTrippers that survive a bad service:
// wrappers that classify, retry, break circuits, bound time and record, and a
// way to put them around any transport.
//
//	var breaker transport.Breaker
//	var stats transport.Stats
//	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
//		transport.Record{Stats: &stats, Logger: slog.Default()}.Wrap,
//		transport.Retry{MaxAttempts: 4}.Wrap,
//		breaker.Wrap,
//		transport.Timeout{Headers: 10 * time.Second}.Wrap,
//	)}
//
// Nothing else in the program changes: callers still see *http.Response and
// error.
//
// # The order
//
// A chain is an onion; the first wrapper listed is its outermost skin. The rule
// is that what concerns the call stands outside of what concerns one attempt:
//
//	caller
//	  │  Record     one verdict per call; outside Retry, or it would count attempts
//	  │  Deadline   the call's time; outside Retry, which looks at it before it waits
//	  │  Retry      ── everything further in happens once per attempt ──
//	  │  Breaker    inside Retry: each attempt asks, and a refusal is not retried
//	  │  Buffer     a cut body becomes an error, which Breaker and Retry see
//	  │  Limit      inside Breaker: its refusals say nothing of the service
//	  │  Timeout    the attempt's time; inside Breaker, which counts it as a failure
//	  ▼
//	base            http.DefaultTransport
//
// Wrappers of other packages, and your own, go where the rule puts them:
// authentication and request signing, done anew for each attempt, stand inside
// Timeout.
//
// # One verdict
//
// [Classify] turns a response or an error into a [Verdict], and everything
// reads that: whether to retry, whether a circuit counts it, how it is logged.
// To see things differently, give the wrappers that judge a [Classifier] of
// your own; make it the same one for all.
//
// # What is promised
//
// A program cannot tell from a call that went well that a wrapper is there.
// The caller's request is not changed, and its body is closed exactly once.
// Bodies stream; they are kept only where a field says so, and within its
// bound. Redirects and cookies stay the http.Client's. A response is never
// turned into an error because of its status: when attempts run out, the last
// one comes back, readable. Only [Buffer], for a body that was cut, and the time
// limits end a call whose answer had begun. Package rttest has these promises as
// a suite that can be run over any wrapper.
//
// # Shapes
//
// A policy is a struct whose zero value works ([Retry], [Timeout], [Record],
// ...): Wrap takes it by value and fills in the defaults. What has state that
// somebody wants to look at or share is a pointer whose zero value works
// ([*Breaker], [*Budget], [*Stats]): its fields are read at the first Wrap. In
// both, zero means the default, and negative means off where there is an off;
// each field says so. An impossible setting is named by Validate, and Wrap
// panics with it.
//
// # Defaults
//
//	Retry.MaxAttempts         3
//	Retry.BaseDelay           1s, doubling
//	Retry.MaxDelay            1m0s
//	Retry.Jitter              HalfJitter: between half the delay and all of it
//	Retry.MaxHint             1m0s
//	Retry.MaxBodyBuffer       65536 bytes
//	Budget.Ratio              0.2 retries a call
//	Budget.Floor              10 retries a window
//	Budget.Window             10s
//	Breaker.FailureThreshold  5
//	Breaker.OpenFor           1m0s, doubling while probes fail
//	Breaker.MaxOpenFor        10m0s
//	Breaker.Probes            1
//	Breaker.Successes         3
//	Breaker.MaxCircuits       10000
//	Ratio.Share               0.5
//	Ratio.MinCalls            20
//	Ratio.Window              10s
//	Slow.Over                 5s
//	Buffer.MaxBytes           1048576 bytes
//	Stats.Window              1m0s
//	Limit.Queue               as many as Concurrency
//	Limit.Wait                1s
//	Timeout, Deadline, Limit  no limit
//
// # What it leaves out
//
// Hedged requests and adaptive limits: each would be a layer of its own. There
// is no registry and no global: a Breaker is shared by being passed around.
// There is no Clock to mock: test with [testing/synctest], as this package
// does.
package transport
