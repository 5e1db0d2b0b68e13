package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// Classify is the kit's own [Classifier]. It reads types and status codes; for
// the few errors whose type net/http keeps to itself there is one table of
// texts, in texts.go. It allocates nothing for a response, and nothing for the
// errors that a dead service causes.
//
// Of a response it reads the status code and, where that is an error's, the
// headers that [Hint] names. RFC 9110, section 15, has the codes. Unless its row
// says otherwise, a code is a success of the service, of medium severity, and
// not worth sending again:
//
//	below 400               ok
//	400, 413, 414, 415, 422 validation, low, recoverable
//	401, 407                auth, neutral
//	404, 410                data
//	408, 504                timeout, failure, recoverable, retryable
//	421                     network, failure, recoverable, retryable
//	425, 429                rate_limit, neutral, recoverable, retryable
//	other 4xx               business_logic
//	501, 505                system, high, failure
//	other 5xx               system, high, failure, recoverable, retryable
//	600 and above           data, failure
//
// Of an error it looks for, in this order: the caller's own cancel (canceled)
// or deadline (timeout, not retryable); a verdict that the error brings along;
// our own lack of memory or descriptors (system, critical, neutral); DNS, TLS
// and certificates; timeouts; HTTP/2 streams; cut and malformed answers;
// sockets (network). What is left is business_logic.
func Classify(req *http.Request, resp *http.Response, err error) Verdict {
	switch {
	case err != nil:
		return classifyError(req, err)
	case resp == nil:
		return classifyError(req, layer.ErrNoResponse)
	case resp.StatusCode < 400:
		return answered
	}
	v := classifyStatus(resp.StatusCode)
	v.Sent = Answered
	v.Hint = hintOf(resp.Header)
	return v
}

// answered is the verdict on a call that went well.
var answered = Verdict{Sent: Answered}

func classifyStatus(code int) Verdict {
	switch code {
	case 400, 413, 414, 415, 422:
		return Verdict{Category: Validation, Severity: Low, Recoverable: true}
	case 401, 407:
		return Verdict{Outcome: Neutral, Category: Auth, Severity: Medium}
	case 404, 410:
		return Verdict{Category: Data, Severity: Medium}
	case 408, 504:
		return Verdict{Outcome: Failed, Category: TimedOut, Severity: Medium, Recoverable: true, Retryable: true}
	case 421:
		return Verdict{Outcome: Failed, Category: Network, Severity: Medium, Recoverable: true, Retryable: true}
	case 425, 429:
		return Verdict{Outcome: Neutral, Category: RateLimit, Severity: Medium, Recoverable: true, Retryable: true}
	case 501, 505:
		return Verdict{Outcome: Failed, Category: System, Severity: High}
	}
	switch {
	case code < 500:
		return Verdict{Category: BusinessLogic, Severity: Medium}
	case code < 600:
		return Verdict{Outcome: Failed, Category: System, Severity: High, Recoverable: true, Retryable: true}
	}
	return Verdict{Outcome: Failed, Category: Data, Severity: Medium}
}

func classifyError(req *http.Request, err error) Verdict {
	if v, ok := callersOwn(req, err); ok {
		return v
	}
	if j, ok := errors.AsType[interface {
		error
		Verdict() Verdict
	}](err); ok {
		return j.Verdict()
	}
	for _, rule := range [...]func(*http.Request, error) (Verdict, bool){
		ofOurselves, ofDNS, ofTLS, ofAddress, ofText, ofTime, ofHTTP2, ofAnswer, ofSocket, ofProgram, ofData,
	} {
		if v, ok := rule(req, err); ok {
			return lateNotCanceled(req, v)
		}
	}
	return Verdict{Outcome: Failed, Category: BusinessLogic, Severity: Medium}
}

// callersOwn knows the end of the caller's context. A context that ended with
// a cause of its own is told by that cause, as net/http returns it.
func callersOwn(req *http.Request, err error) (Verdict, bool) {
	if errors.Is(err, context.Canceled) {
		return callersCancel, true
	}
	if req == nil {
		return Verdict{}, false
	}
	ctx := req.Context()
	over := ctx.Err()
	if over == nil || !errors.Is(err, over) && !errors.Is(err, context.Cause(ctx)) {
		return Verdict{}, false
	}
	if isLate(ctx) {
		v := callersDeadline
		if isType[*waitedError](err) { // no attempt was in flight
			v.Outcome, v.Sent = Neutral, Unsent
		}
		return v, true
	}
	return callersCancel, true
}

// The two ends of a caller's context.
var (
	callersCancel   = Verdict{Outcome: Neutral, Category: Canceled, Severity: Low}
	callersDeadline = Verdict{Outcome: Failed, Category: TimedOut, Severity: Medium, Recoverable: true}
)

// lateNotCanceled tells the two meanings of a closed Request.Cancel apart. An
// http.Client with a Timeout closes it at the very moment that the deadline of
// the context is over, and either may be noticed first.
func lateNotCanceled(req *http.Request, v Verdict) Verdict {
	if v.Category != Canceled || req == nil {
		return v
	}
	if end, ok := req.Context().Deadline(); ok && time.Until(end) <= 0 {
		return callersDeadline
	}
	return v
}
