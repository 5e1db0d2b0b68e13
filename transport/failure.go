package transport

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"syscall"
	"time"
)

// A Failure is a failed call, told in full: it is the error that the kit
// returns where it refused a call, or gave up after several attempts, and it
// is what [FailureOf] makes of anything. Find it with errors.AsType, also
// through the *url.Error of an http.Client.
//
// It wraps its cause, which errors.Is and errors.As reach. What it prints,
// logs and marshals is built from types and codes alone: no URL but the host,
// no header, and no text of an error that is not known to be free of secrets.
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
	cause   error
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
		verdict: v, cause: err,
	}
	switch {
	case err != nil:
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
//	transport: load user: network: dial: connection refused (gave up after 3 attempts: attempts)
func (f *Failure) Error() string {
	s := "transport: " + f.Operation + ": " + f.Category.String() + ": " + f.Message
	if f.GaveUp != "" {
		s += " (gave up after " + strconv.Itoa(f.Retries+1) + " attempts: " + string(f.GaveUp) + ")"
	}
	return s
}

// Unwrap returns the cause, nil if it was a response.
func (f *Failure) Unwrap() error { return f.cause }

// Verdict returns what the failure was judged to be. [Classify] takes it over.
func (f *Failure) Verdict() Verdict { return f.verdict }

// Timeout reports whether it was a time-out, as [net.Error] asks.
func (f *Failure) Timeout() bool { return f.Category == TimedOut || isTimeout(f.cause) }

// Temporary returns what Timeout does. It is there because a [net.Error] must
// have it.
func (f *Failure) Temporary() bool { return f.Timeout() }

// LogValue makes a Failure a group of its fields for [log/slog].
func (f *Failure) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("operation", f.Operation),
		slog.String("host", f.Host),
		slog.String("severity", f.Severity.String()),
		slog.String("category", f.Category.String()),
		slog.String("message", f.Message),
		slog.String("details", f.Details),
		slog.Bool("recoverable", f.Recoverable),
		slog.Int("retry_count", f.Retries),
	)
}

// MarshalJSON writes the exported fields. It never writes the cause.
func (f *Failure) MarshalJSON() ([]byte, error) {
	type fields Failure
	return json.Marshal((*fields)(f))
}

// describe says what an error is in words that hold no secret: fixed ones, or
// texts of the operating system. Of an error that it does not know it says
// the type.
func describe(err error) string {
	if _, ok := errors.AsType[*OpenError](err); ok {
		return ErrCircuitOpen.Error()
	}
	if e, ok := errors.AsType[*LimitError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Op + ": " + describeSocket(e)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return describeDNS(e)
	}
	if isType[x509.CertificateInvalidError](err) || isType[x509.HostnameError](err) || isType[x509.UnknownAuthorityError](err) {
		return "certificate not accepted"
	}
	if e, ok := errors.AsType[*TimeoutError](err); ok {
		return e.Error()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled.Error()
	case isTimeout(err), errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e.Error()
	}
	return fmt.Sprintf("error of type %T", innermost(err))
}

func describeSocket(e *net.OpError) string {
	if errno, ok := errors.AsType[syscall.Errno](e.Err); ok {
		return errno.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](e.Err); ok {
		return describeDNS(dns)
	}
	if e.Timeout() {
		return "timed out"
	}
	return fmt.Sprintf("error of type %T", innermost(e.Err))
}

func describeDNS(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return "no such host"
	case e.IsTimeout:
		return "name look-up timed out"
	}
	return "name look-up failed"
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && e.Timeout()
}

// innermost returns the error at the end of err's chain. Of several causes it
// is err that joins them.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil || reflect.TypeOf(next) == reflect.TypeFor[syscall.Errno]() {
			return err
		}
		err = next
	}
}

func statusText(code int) string {
	if text := http.StatusText(code); text != "" {
		return strconv.Itoa(code) + " " + text
	}
	return strconv.Itoa(code)
}
