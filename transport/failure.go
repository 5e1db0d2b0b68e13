package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Failure is a failed call, told in full: it is the error that the kit
// returns where it refused a call, or gave up after several attempts, and it
// is what [FailureOf] makes of anything. Find it with errors.AsType, also
// through the *url.Error of an http.Client.
//
// It wraps its cause, which errors.Is and errors.As reach. What it prints,
// logs and marshals is built from names, types and codes: the operation's, the
// host's or a user's Key; no more of the URL, no header, and no text of an error
// that is not known to be free of secrets.
type Failure struct {
	Time        time.Time `json:"timestamp"`
	Severity    Severity  `json:"severity"`
	Category    Category  `json:"category"`
	Message     string    `json:"message"` // such as "dial: connection refused", "503 Service Unavailable"
	Details     string    `json:"details"` // the innermost cause's type, such as "*os.SyscallError"
	Recoverable bool      `json:"recoverable"`
	Retries     int       `json:"retry_count"` // attempts after the first
	GaveUp      Reason    `json:"gave_up,omitempty"`
	Operation   string    `json:"operation"`
	Host        string    `json:"host"`

	verdict Verdict
	cause   *error // behind a pointer, which no verb of package fmt follows
}

// FailureOf tells a failed exchange as a [Failure]. It returns nil when there
// is nothing to tell: a response that [Classify] finds ok. A Failure that is
// in err already is returned as it is.
func FailureOf(req *http.Request, resp *http.Response, err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	v := Classify(req, resp, err)
	if v.Category == OK {
		return nil
	}
	return newFailure(req, resp, err, v)
}

func newFailure(req *http.Request, resp *http.Response, err error, v Verdict) *Failure {
	f := &Failure{
		Time: time.Now(), Severity: v.Severity, Category: v.Category, Recoverable: v.Recoverable,
		verdict: v,
	}
	switch {
	case err != nil:
		f.cause = &err
		f.Message, f.Details = describe(err), fmt.Sprintf("%T", innermost(err))
	case resp != nil:
		f.Message, f.Details = statusText(resp.StatusCode), "status"
	}
	if req != nil {
		f.Operation = operationOf(req).String()
		if req.URL != nil {
			f.Host = req.URL.Host
		}
	}
	return f
}

// Error returns the operation, the category and the message, such as
//
//	transport: load user: network: dial: connection refused (gave up after 2 attempts: no time for another)
func (f *Failure) Error() string {
	s := "transport: " + f.Operation + ": " + f.Category.String() + ": " + f.Message
	if f.GaveUp != "" {
		s += " (gave up after " + strconv.Itoa(f.Retries+1) + " attempts" + because[f.GaveUp] + ")"
	}
	return s
}

// because is what Error says of a reason; that all attempts were used says
// itself.
var because = map[Reason]string{
	ReasonDeadline: ": no time for another",
	ReasonHint:     ": the server wants no other, or not so soon",
	ReasonBudget:   ": the retry budget is used up",
	ReasonMethod:   ": another would not be safe",
	ReasonBody:     ": the request body cannot be sent again",
	ReasonVerdict:  ": another would not help",
	ReasonNested:   ": it is retried elsewhere",
}

// Unwrap returns the cause, nil if it was a response.
func (f *Failure) Unwrap() error {
	if f.cause == nil {
		return nil
	}
	return *f.cause
}

// Verdict returns what the failure was judged to be. [Classify] takes it over.
func (f *Failure) Verdict() Verdict { return f.verdict }

// Timeout reports whether it was a timeout, as [net.Error] asks.
func (f *Failure) Timeout() bool { return f.Category == TimedOut || isTimeout(f.Unwrap()) }

// Temporary returns what Timeout does. It is there because a [net.Error] must
// have it.
func (f *Failure) Temporary() bool { return f.Timeout() }

// LogValue makes a Failure a group of its fields for [log/slog], but for the
// time: the line has one.
func (f *Failure) LogValue() slog.Value {
	fields := []slog.Attr{
		slog.String("operation", f.Operation),
		slog.String("host", f.Host),
		slog.String("severity", f.Severity.String()),
		slog.String("category", f.Category.String()),
		slog.String("message", f.Message),
		slog.String("details", f.Details),
		slog.Bool("recoverable", f.Recoverable),
		slog.Int("retry_count", f.Retries),
	}
	if f.GaveUp != "" {
		fields = append(fields, slog.String("gave_up", string(f.GaveUp)))
	}
	return slog.GroupValue(fields...)
}

// MarshalJSON writes the exported fields. It never writes the cause.
func (f *Failure) MarshalJSON() ([]byte, error) {
	type fields Failure
	return json.Marshal((*fields)(f))
}

// newRefusal tells of a call that was refused for all requests of one key.
func newRefusal(key string, err error, v Verdict) *Failure {
	f := newFailure(nil, nil, err, v)
	f.Operation, f.Host = key, key
	if _, host, ok := strings.Cut(key, "://"); ok {
		f.Host = host
	}
	return f
}
