package transport

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// trial is one call on its way through [Retry].
type trial struct {
	*retry
	req  *http.Request // the caller's
	call *call

	send    *http.Request // what this attempt sends; the caller's own for the first one, if it can be
	resent  *resent       // its context from the second attempt on
	body    replay
	number  int // of this attempt, from 1
	wait    time.Duration
	began   time.Time // read only if there is a Trip
	verdict Verdict
	well    bool // the attempt went well
	counted bool // in the budget
}

// What judge says when the call goes on, and when it went well.
const (
	goOn Reason = ""
	fine Reason = "fine"
)

// begin chooses what the first attempt sends. That is the caller's own request
// unless it needs a key, or a body that remembers.
func (t *trial) begin() {
	t.send = t.req
	if key := t.newKey(); key != "" {
		t.send = withHeader(t.send, "Idempotency-Key", key)
	}
	t.body.from(t.req, t.maxBody())
	if t.body.recorder != nil {
		t.send = shallow(t.send, t.req)
		t.send.Body = t.body.recorder.open()
	}
	if t.Budget.watching() {
		t.counted = t.Budget.count(t.req)
	}
}

func (t *trial) maxBody() int {
	if t.MaxAttempts == 1 || t.call.noRetry {
		return 0
	}
	return t.MaxBodyBuffer
}

// newKey returns the Idempotency-Key that the call is to get.
func (t *trial) newKey() string {
	made := t.IdempotencyKey != nil && !isIdempotent(t.req.Method)
	switch {
	case t.call.idempotencyKey == "" && !made, t.req.Header == nil, hasIdempotencyKey(t.req.Header):
		return ""
	case t.call.idempotencyKey != "":
		return t.call.idempotencyKey
	}
	return t.IdempotencyKey()
}

// attempt sends the request once.
func (t *trial) attempt() (*http.Response, error) {
	t.number++
	if t.number > 1 {
		t.prepareAgain()
	}
	if t.call.trip != nil {
		t.began = time.Now()
	}
	resp, err := t.sendOnce()
	if t.number == 1 && t.call.trip == nil && t.assess.wentWell(resp, err) {
		t.well = true
		return resp, nil
	}
	v := t.assess.classify(t.send, resp, err)
	if t.well = v.Category == OK && err == nil && !v.Retryable; !t.well || t.number > 1 {
		t.verdict = v // copied only when somebody will read it
	}
	if t.call.trip != nil {
		a := Attempt{Wait: t.wait, Start: t.began, Duration: time.Since(t.began), Err: err, Verdict: v}
		if resp != nil {
			a.Status = resp.StatusCode
		}
		t.call.trip.AddAttempt(a)
	}
	return resp, err
}

// sendOnce sends, and lets go of a recorded body if there is a panic below.
func (t *trial) sendOnce() (*http.Response, error) {
	if t.body.recorder == nil {
		return t.Send(t.send)
	}
	returned := false
	defer func() {
		if !returned {
			t.body.release()
		}
	}()
	resp, err := t.Send(t.send)
	returned = true
	return resp, err
}

// prepareAgain makes the request of a further attempt. Requests without a body
// share one; with a body each has its own, since the transport may be busy
// with the last one's still.
func (t *trial) prepareAgain() {
	if t.resent == nil {
		t.resent = newResent(t.req.Context())
		t.send = t.send.WithContext(t.resent)
	} else if t.body.next != nil {
		t.send = shallow(t.send, t.send)
	}
	if t.body.next != nil {
		t.send.Body, t.body.next = t.body.next, nil
	}
	t.resent.number.Store(int32(t.number))
}

// judge says whether the call goes on, and after which wait. The questions are
// asked in the order of what they cost.
func (t *trial) judge(resp *http.Response, err error) (time.Duration, Reason) {
	if t.well && t.Check == nil {
		return 0, fine
	}
	if why := t.worth(resp, err); why != goOn {
		return 0, why
	}
	if !t.allowed(resp) {
		return 0, ReasonMethod
	}
	if t.number >= t.MaxAttempts {
		return 0, ReasonAttempts
	}
	wait, hinted := t.delay(t.number, resp, t.verdict.Hint)
	if end := deadlineOf(t.req.Context()); !end.IsZero() && time.Until(end) <= wait {
		if hinted {
			return 0, ReasonHint
		}
		return 0, ReasonDeadline
	}
	if !t.body.again() {
		return 0, ReasonBody
	}
	if !t.Budget.take(t.req, t.counted) {
		t.body.forget()
		return 0, ReasonBudget
	}
	t.counted = true
	t.log.retrying(t, wait)
	return wait, goOn
}

// worth says whether another attempt can help.
func (t *trial) worth(resp *http.Response, err error) Reason {
	helps := t.verdict.Retryable || t.verdict.Hint.Retry == RetryYes && t.verdict.Category != OK || t.listed(resp)
	if t.Check != nil && t.verdict.Category != CircuitOpen {
		var checkErr error
		if helps, checkErr = t.Check(t.req.Context(), resp, err); checkErr != nil && err == nil {
			t.log.checkFailed(t, checkErr)
		}
	}
	switch {
	case !helps && t.well:
		return fine
	case t.req.Context().Err() != nil:
		return reasonOver(t.req.Context())
	case t.verdict.Category == Canceled:
		return ReasonCanceled
	case t.verdict.Hint.Retry == RetryNo:
		return ReasonHint
	case !helps:
		return ReasonVerdict
	case t.call.noRetry:
		return ReasonOff
	case isNested(t.req, t.call, resp, err): // last: a refusal is not to pay for it
		return ReasonNested
	}
	return goOn
}

// listed says whether the user wants a response of this status sent again.
func (t *trial) listed(resp *http.Response) bool {
	return resp != nil && slices.Contains(t.RetryUnsafeOn, resp.StatusCode)
}

// reasonOver says why a context is over.
func reasonOver(ctx context.Context) Reason {
	if isLate(ctx) {
		return ReasonDeadline
	}
	return ReasonCanceled
}

// allowed says whether another attempt does no harm.
func (t *trial) allowed(resp *http.Response) bool {
	if isIdempotent(t.req.Method) || t.RetryUnsafeMethods || t.verdict.Sent == Unsent || hasIdempotencyKey(t.send.Header) {
		return true
	}
	return resp != nil && (resp.StatusCode == http.StatusTooEarly || resp.StatusCode == http.StatusTooManyRequests) || t.listed(resp)
}

// pause waits, unless the caller loses patience first.
func (t *trial) pause(d time.Duration) error {
	t.wait = d
	ctx := t.req.Context()
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
	t.body.release()
	t.call.trip.SetGaveUp(reasonOver(ctx))
	return context.Cause(ctx)
}

// end returns what the caller gets.
func (t *trial) end(resp *http.Response, err error, why Reason) (*http.Response, error) {
	t.body.release()
	if resp != nil && t.send != t.req {
		resp.Request = t.req
	}
	if why == fine {
		if t.number > 1 {
			t.log.succeeded(t)
		}
		return resp, err
	}
	t.call.trip.SetGaveUp(why)
	t.log.gaveUp(t, why)
	if t.number == 1 || t.req.Context().Err() != nil {
		return resp, err
	}
	if err != nil {
		f := newFailure(t.req, nil, err, t.verdict)
		f.Retries, f.GaveUp = t.number-1, why
		return nil, f
	}
	markResponse(resp, t.number-1)
	return resp, nil
}

// shallow returns a copy of req, or req itself if it is a copy already.
func shallow(req, original *http.Request) *http.Request {
	if req != original {
		return req
	}
	c := *req
	return &c
}

// withHeader returns a copy of req with one more header.
func withHeader(req *http.Request, name, value string) *http.Request {
	c := *req
	c.Header = req.Header.Clone()
	c.Header.Set(name, value)
	return &c
}
