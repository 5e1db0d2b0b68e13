package transport

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// A sequence is one call on its way through [Retry]: its attempts, one after
// the other.
type sequence struct {
	*retry
	req  *http.Request // the caller's
	call *call

	send    *http.Request // what this attempt sends; the caller's own for the first one, if it can be
	resent  *resent       // what the attempts from the second on share
	body    replay
	number  int // of this attempt, from 1
	wait    time.Duration
	began   time.Time // read only if there is a Trip
	verdict Verdict
	well    bool // the attempt went well
	counted bool // in the budget
}

// begin chooses what the first attempt sends. That is the caller's own request
// unless it needs a key, or a body that remembers.
func (s *sequence) begin() {
	s.send = s.req
	if key := s.newKey(); key != "" {
		s.send = withHeader(s.send, "Idempotency-Key", key)
	}
	s.body.from(s.req, s.maxBody())
	if s.body.recorder != nil {
		if s.send == s.req {
			s.send = shallow(s.req)
		}
		s.send.Body = s.body.recorder.open()
	}
	if s.Budget.watching() {
		s.counted = s.Budget.count(s.req)
	}
}

func (s *sequence) maxBody() int {
	if s.MaxAttempts == 1 || s.call.noRetry {
		return 0
	}
	return s.MaxBodyBuffer
}

// newKey returns the Idempotency-Key that the call is to get.
func (s *sequence) newKey() string {
	made := s.IdempotencyKey != nil && !isIdempotent(s.req.Method)
	switch {
	case s.call.idempotencyKey == "" && !made, s.req.Header == nil, hasIdempotencyKey(s.req.Header):
		return ""
	case s.call.idempotencyKey != "":
		return s.call.idempotencyKey
	}
	return s.IdempotencyKey()
}

// attempt sends the request once.
func (s *sequence) attempt() (*http.Response, error) {
	s.number++
	if s.number > 1 {
		s.prepareAgain()
	}
	if s.call.trip != nil {
		s.began = time.Now()
	}
	resp, err := s.sendOnce()
	if s.number == 1 && s.call.trip == nil && s.assess.wentWell(resp, err) {
		s.well = true
		return resp, nil
	}
	v := s.assess.classify(s.send, resp, err)
	s.well = v.Category == OK && err == nil && !v.Retryable
	if !s.well || s.number > 1 { // copied only when somebody will read it
		s.verdict = v
	}
	if s.call.trip != nil {
		a := Attempt{Wait: s.wait, Start: s.began, Duration: time.Since(s.began), Err: err, Verdict: v}
		if resp != nil {
			a.Status = resp.StatusCode
		}
		s.call.trip.AddAttempt(a)
	}
	return resp, err
}

// sendOnce sends, and lets go of a recorded body if there is a panic below.
func (s *sequence) sendOnce() (*http.Response, error) {
	if s.body.recorder == nil {
		return s.Send(s.send)
	}
	returned := false
	defer func() {
		if !returned {
			s.body.release()
		}
	}()
	resp, err := s.Send(s.send)
	returned = true
	return resp, err
}

// prepareAgain makes the request of a further attempt. Requests without a body
// share one; with a body each has its own, since the transport may be busy
// with the last one's still.
func (s *sequence) prepareAgain() {
	if s.resent == nil {
		s.resent = newResent(s.send, s.call)
		s.send = &s.resent.request
	} else if s.body.next != nil {
		s.send = shallow(s.send)
	}
	if s.body.next != nil {
		s.send.Body, s.body.next = s.body.next, nil
	}
	s.resent.number.Store(int32(s.number))
}

// decide says whether the call goes on, and after which wait; or why not, which
// is nothing if it went well. The questions are asked in the order of what they
// cost; the last two take the body's next copy, and a retry of the budget.
func (s *sequence) decide(resp *http.Response, err error) (wait time.Duration, again bool, why Reason) {
	if s.well && s.Check == nil {
		return 0, false, ""
	}
	if helps, why := s.helps(resp, err); !helps {
		return 0, false, why
	}
	if !s.harmless(resp) {
		return 0, false, ReasonMethod
	}
	if s.number >= s.MaxAttempts {
		return 0, false, ReasonAttempts
	}
	wait, hinted := s.delay(s.number, resp, s.verdict.Hint)
	if end := deadlineOf(s.req.Context()); !end.IsZero() && time.Until(end) <= wait {
		if hinted {
			return 0, false, ReasonHint
		}
		return 0, false, ReasonDeadline
	}
	if !s.body.again() {
		return 0, false, ReasonBody
	}
	if !s.Budget.take(s.req, s.counted) {
		s.body.forget()
		return 0, false, ReasonBudget
	}
	s.counted = true
	s.log.retrying(s, wait)
	return wait, true, ""
}

// helps says whether another attempt can help, or why not, which is nothing if
// none is needed.
func (s *sequence) helps(resp *http.Response, err error) (bool, Reason) {
	helps := s.verdict.Retryable || s.verdict.Hint.Retry == RetryYes && s.verdict.Category != OK || s.listed(resp)
	if s.Check != nil && s.verdict.Category != CircuitOpen {
		var checkErr error
		if helps, checkErr = s.Check(s.req.Context(), resp, err); checkErr != nil && err == nil {
			s.log.checkFailed(s, checkErr)
		}
	}
	switch {
	case !helps && s.well:
		return false, ""
	case s.req.Context().Err() != nil:
		return false, reasonOver(s.req.Context())
	case s.verdict.Category == Canceled:
		return false, ReasonCanceled
	case s.verdict.Hint.Retry == RetryNo:
		return false, ReasonHint
	case !helps:
		return false, ReasonVerdict
	case s.call.noRetry:
		return false, ReasonOff
	case isNested(s.req, s.call, resp, err): // last: a refusal is not to pay for it
		return false, ReasonNested
	}
	return true, ""
}

// listed says whether the user wants a response of this status sent again.
func (s *sequence) listed(resp *http.Response) bool {
	return resp != nil && slices.Contains(s.RetryUnsafeOn, resp.StatusCode)
}

// reasonOver says why a context is over.
func reasonOver(ctx context.Context) Reason {
	if isLate(ctx) {
		return ReasonDeadline
	}
	return ReasonCanceled
}

// harmless says whether another attempt does no harm.
func (s *sequence) harmless(resp *http.Response) bool {
	if isIdempotent(s.req.Method) || s.RetryUnsafeMethods || s.verdict.Sent == Unsent || hasIdempotencyKey(s.send.Header) {
		return true
	}
	return resp != nil && (resp.StatusCode == http.StatusTooEarly || resp.StatusCode == http.StatusTooManyRequests) || s.listed(resp)
}

// pause waits, unless the caller loses patience first.
func (s *sequence) pause(d time.Duration) error {
	s.wait = d
	ctx := s.req.Context()
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() == nil {
		return nil
	}
	s.body.release()
	s.call.trip.SetGaveUp(reasonOver(ctx))
	return context.Cause(ctx)
}

// end returns what the caller gets, having said why there is no further
// attempt.
func (s *sequence) end(resp *http.Response, err error, why Reason) (*http.Response, error) {
	s.body.release()
	if resp != nil && s.send != s.req {
		resp.Request = s.req
	}
	if why == "" {
		if s.number > 1 {
			s.log.succeeded(s)
		}
		return resp, err
	}
	s.call.trip.SetGaveUp(why)
	s.log.gaveUp(s, why)
	if s.number == 1 || s.req.Context().Err() != nil {
		return resp, err
	}
	if err != nil {
		f := newFailure(s.req, nil, err, s.verdict)
		f.Retries, f.GaveUp = s.number-1, why
		return nil, f
	}
	markResponse(resp, s.number-1)
	return resp, nil
}

// shallow returns a copy of req that shares all that req points to. That is on
// purpose: Request.Clone would lose trailers that are set while the body is
// read.
func shallow(req *http.Request) *http.Request {
	c := *req
	return &c
}

// withHeader returns a copy of req with one more header.
func withHeader(req *http.Request, name, value string) *http.Request {
	c := shallow(req)
	c.Header = req.Header.Clone()
	c.Header.Set(name, value)
	return c
}
