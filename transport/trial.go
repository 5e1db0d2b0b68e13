package transport

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
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
	v := t.Classifier(t.req, resp, err)
	if t.well = v.Category == OK && err == nil; !t.well || t.number > 1 {
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
	if !t.Budget.take(t.req, &t.counted) {
		t.body.forget()
		return 0, ReasonBudget
	}
	t.log.retrying(t, wait)
	return wait, goOn
}

// worth says whether another attempt can help.
func (t *trial) worth(resp *http.Response, err error) Reason {
	worth := t.verdict.Retryable || t.verdict.Hint.Retry == RetryYes && t.verdict.Category != OK
	if t.Check != nil && t.verdict.Category != CircuitOpen {
		var failed error
		if worth, failed = t.Check(t.req.Context(), resp, err); failed != nil && err == nil {
			t.log.checkFailed(t, failed)
		}
	}
	switch {
	case t.req.Context().Err() != nil:
		return reasonOver(t.req.Context())
	case !worth && t.well:
		return fine
	case t.verdict.Category == Canceled:
		return ReasonCanceled
	case t.call.noRetry:
		return ReasonOff
	case isNested(t.req, t.call, resp, err):
		return ReasonNested
	case t.verdict.Hint.Retry == RetryNo:
		return ReasonHint
	case !worth:
		return ReasonVerdict
	}
	return goOn
}

// reasonOver says why a context is over. That of a [Deadline] ends with a cause.
func reasonOver(ctx context.Context) Reason {
	if ctx.Err() == context.DeadlineExceeded || errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return ReasonDeadline
	}
	return ReasonCanceled
}

// allowed says whether another attempt does no harm.
func (t *trial) allowed(resp *http.Response) bool {
	if isIdempotent(t.req.Method) || t.RetryUnsafeMethods || t.verdict.Sent == Unsent || hasIdempotencyKey(t.send.Header) {
		return true
	}
	return resp != nil && (resp.StatusCode == http.StatusTooEarly || resp.StatusCode == http.StatusTooManyRequests ||
		slices.Contains(t.RetryUnsafeOn, resp.StatusCode))
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

// retriesMark is a response header that says how often an inner Retry sent the
// request again before it gave up. Its colon makes it a name that no server
// can send and that is never written to the wire, as [http.TrailerPrefix] does.
const retriesMark = "Safetrip:Retries"

func markResponse(resp *http.Response, retries int) {
	if resp.Header == nil {
		resp.Header = make(http.Header)
	}
	resp.Header[retriesMark] = []string{strconv.Itoa(retries)}
}

// isNested reports whether somebody else retries this call already: a Retry
// further out, which sent this request again; one further in, which gave up on
// it; or the SDK of an LLM service, which says so in a header.
func isNested(req *http.Request, c *call, resp *http.Response, err error) bool {
	if c.attempt != nil {
		return true
	}
	if s := first(req.Header, "X-Stainless-Retry-Count"); s != "" {
		if n, err := strconv.Atoi(s); err == nil && n > 0 {
			return true
		}
	}
	if resp != nil {
		return resp.Header[retriesMark] != nil
	}
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Retries > 0
}

func hasIdempotencyKey(h http.Header) bool {
	return first(h, "Idempotency-Key") != "" || first(h, "X-Idempotency-Key") != ""
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
