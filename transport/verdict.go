package transport

import (
	"net/http"
	"time"
)

// A Classifier judges one exchange: the request, and either the response or
// the error that came of it. It must be safe for concurrent use. It must not read
// a body, nor change anything that it is given. [Classify] is the kit's own.
type Classifier func(*http.Request, *http.Response, error) Verdict

// A Verdict is what the kit thinks of one exchange. Everything that decides
// (retry, circuits, the ladder) and everything that reports (spans, metrics,
// logs, health) reads this one value. Verdicts are comparable with ==.
type Verdict struct {
	Outcome  Outcome  // whether it counts for or against the service
	Category Category // what kind of thing happened
	Severity Severity // how bad it is

	// Recoverable says that this kind of failure passes by itself or can be
	// mended by the caller.
	Recoverable bool

	// Retryable says that sending the very same request again can help.
	// Whether it may be sent again is another question, which [Retry] asks.
	Retryable bool

	Sent Sent // how far the request provably got
	Hint Hint // what the server asked for
}

// Outcome says whether an exchange counts for or against the service.
// Circuits, [Stats], health and the ladder read it.
type Outcome uint8

// The outcomes.
const (
	Success Outcome = iota // the service did its work, even if that was a refusal such as 404
	Failed                 // the service, or the way to it, failed
	Neutral                // says nothing of the service: canceled, refused by us, 429, 401
)

// String returns success, failure or neutral.
func (o Outcome) String() string { return word(outcomes[:], int(o)) }

var outcomes = [...]string{Success: "success", Failed: "failure", Neutral: "neutral"}

// Category is the kind of an exchange's end.
type Category uint8

// The categories.
const (
	OK            Category = iota // nothing is wrong
	Validation                    // the request is wrong: 400, 422, a malformed URL
	Network                       // the way to the service: refused, reset, DNS, TLS
	TimedOut                      // it took too long: a timeout of any kind, 408, 504
	Data                          // what was asked for is missing, or what came is broken: 404, a cut body
	System                        // the service, or this program, is broken: 500, out of memory
	BusinessLogic                 // everything else
	RateLimit                     // asked to come back later: 429, 425
	Auth                          // who we are was not accepted: 401, 407
	Canceled                      // the caller changed its mind
	CircuitOpen                   // an open circuit refused it
)

// String returns the category in lower case, such as business_logic; that of
// the zero Category is ok.
func (c Category) String() string { return word(categories[:], int(c)) }

// MarshalText makes a category's word its JSON form.
func (c Category) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

var categories = [...]string{
	OK: "ok", Validation: "validation", Network: "network", TimedOut: "timeout", Data: "data", System: "system",
	BusinessLogic: "business_logic", RateLimit: "rate_limit", Auth: "auth", Canceled: "canceled", CircuitOpen: "circuit_open",
}

// Severity is how bad a failure is.
type Severity uint8

// The severities.
const (
	Low Severity = iota
	Medium
	High
	Critical
)

// String returns low, medium, high or critical.
func (s Severity) String() string { return word(severities[:], int(s)) }

// MarshalText makes a severity's word its JSON form.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var severities = [...]string{Low: "low", Medium: "medium", High: "high", Critical: "critical"}

// Sent says how far a request provably got. The zero value claims nothing.
// It speaks of the last that net/http did: when a connection that was kept
// turns out to be dead, net/http itself sends once more what may be sent twice.
type Sent uint8

// How far a request got.
const (
	Maybe    Sent = iota // it may have been processed
	Unsent               // no byte of it reached the service: dial and TLS failures, REFUSED_STREAM
	Answered             // response headers came back
)

// String returns maybe, unsent or answered.
func (s Sent) String() string { return word(sents[:], int(s)) }

var sents = [...]string{Maybe: "maybe", Unsent: "unsent", Answered: "answered"}

// A Hint is what the server, or whoever refused, asked the client to do.
type Hint struct {
	// After is how long to wait before the next attempt, zero if nothing was
	// said: Retry-After in seconds or as a date (RFC 9110, section 10.2.3),
	// retry-after-ms, or the time an open circuit has left.
	After time.Duration

	// Retry is x-should-retry: whether the server wants the request again.
	Retry Advice
}

// Advice is an opinion that may be missing.
type Advice uint8

// The opinions.
const (
	NoAdvice Advice = iota
	RetryYes
	RetryNo
)

// String returns none, yes or no.
func (a Advice) String() string { return word(advices[:], int(a)) }

var advices = [...]string{NoAdvice: "none", RetryYes: "yes", RetryNo: "no"}

func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return "unknown"
}
