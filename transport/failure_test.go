package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFailureOf(t *testing.T) {
	dns := &net.DNSError{Err: "no such host", Name: "secret.test", IsNotFound: true}
	for _, test := range []struct {
		name    string
		resp    *http.Response
		err     error
		message string
		details string
	}{
		{"a refused connection", nil, errRefused, "dial: connection refused", "*os.SyscallError"},
		{"a reset one", nil, &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "read: connection reset by peer", "*os.SyscallError"},
		{"a name that does not exist", nil, &net.OpError{Op: "dial", Err: dns}, "dial: no such host", "*net.DNSError"},
		{"a name server that is late", nil, &net.DNSError{IsTimeout: true}, "name lookup timed out", "*net.DNSError"},
		{"a name server that fails", nil, &net.DNSError{}, "name lookup failed", "*net.DNSError"},
		{"a dial that is late", nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "dial: timed out", "*poll.DeadlineExceededError"},
		{"a timeout of the kit's", nil, &TimeoutError{"response headers", time.Second}, "transport: response headers timed out after 1s", "*transport.TimeoutError"},
		{"the caller's cancel", nil, context.Canceled, "context canceled", "*errors.errorString"},
		{"the caller's deadline", nil, context.DeadlineExceeded, "timed out", "context.deadlineExceededError"},
		{"an open circuit", nil, &OpenError{Key: "http://a.test"}, "transport: circuit open", "*transport.OpenError"},
		{"a number of the system", nil, syscall.EPIPE, "broken pipe", "syscall.Errno"},
		{"a stream that was reset", nil, streamError{StreamID: 3, Code: 2, Cause: errors.New("secret")}, "stream error: stream ID 3; INTERNAL_ERROR", "transport.streamError"},
		{"a stream that was reset for the first reason without a name", nil, streamError{StreamID: 3, Code: 0xe}, "stream error: stream ID 3; unknown error code 0xe", "transport.streamError"},
		{"a stream that was reset for a reason of somebody's own", nil, streamError{StreamID: 3, Code: 0x99}, "stream error: stream ID 3; unknown error code 0x99", "transport.streamError"},
		{"a text of net/http's", nil, errors.New("http: server closed idle connection"), "http: server closed idle connection", "*errors.errorString"},
		{"one that goes on with what the server said", nil, errors.New("malformed HTTP status code \"secret\""), "malformed HTTP …", "*errors.errorString"},
		{"one that goes on with a number", nil, errors.New("http: ContentLength=1 with Body length 2"), "http: ContentLength=…", "*errors.errorString"},
		{"a timeout of net/http's, in its words", nil, errors.New("net/http: TLS handshake timeout"), "net/http: TLS handshake timeout", "*errors.errorString"},
		{"a connection that was closed without an answer", nil, io.EOF, "EOF", "*errors.errorString"},
		{"an answer that was cut", nil, fmt.Errorf("secret: %w", io.ErrUnexpectedEOF), "unexpected EOF", "*errors.errorString"},
		{"a connection that we closed", nil, &net.OpError{Op: "write", Err: net.ErrClosed}, "write: use of closed network connection", "poll.errNetClosing"},
		{"an error that nobody knows", nil, fmt.Errorf("mine: %w", errors.New("secret")), "error of type *errors.errorString", "*errors.errorString"},
		{"an error in a socket that nobody knows", nil, &net.OpError{Op: "read", Err: errors.New("secret")}, "read: error of type *errors.errorString", "*errors.errorString"},
		{"a certificate of nobody", nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "certificate not accepted", "x509.UnknownAuthorityError"},
		{"a certificate of another host", nil, x509.HostnameError{Host: "secret"}, "certificate not accepted", "x509.HostnameError"},
		{"errors joined", nil, errors.Join(errBoom, errBoom), "error of type *errors.joinError", "*errors.joinError"},
		{"a status", &http.Response{StatusCode: 503}, nil, "503 Service Unavailable", "status"},
		{"a status without a name", &http.Response{StatusCode: 599}, nil, "599", "status"},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := get(t, "http://u:secret@a.test:80/?key=secret")
			f := FailureOf(req, test.resp, test.err)
			if f.Message != test.message || f.Details != test.details {
				t.Errorf("it is %q, %q; want %q, %q", f.Message, f.Details, test.message, test.details)
			}
			if open := errors.Is(test.err, ErrCircuitOpen); !open && (f.Operation != "GET a.test:80" || f.Host != "a.test:80") {
				t.Errorf("it is of %q at %q", f.Operation, f.Host)
			}
			if f.Unwrap() != nil && !errors.Is(f, test.err) {
				t.Error("the cause is lost")
			}
			if want := Classify(req, test.resp, test.err); f.Verdict() != want || Classify(req, nil, f) != want || f.Category != want.Category || f.Severity != want.Severity || f.Recoverable != want.Recoverable {
				t.Errorf("its verdict is %+v, want %+v", f.Verdict(), want)
			}
			if want := f.Category == TimedOut; f.Timeout() != want {
				t.Errorf("Timeout is %v, want %v", f.Timeout(), want)
			}
		})
	}
	if f := FailureOf(get(t, "http://a.test"), &http.Response{StatusCode: 200}, nil); f != nil {
		t.Errorf("of what went well it is %v", f)
	}
	own := &Failure{Message: "mine"}
	if f := FailureOf(nil, nil, fmt.Errorf("more: %w", own)); f != own {
		t.Errorf("of a Failure it is %v", f)
	}
	if f := FailureOf(nil, nil, io.EOF); f.Operation != "" || f.Category != Network {
		t.Errorf("without a request it is %+v", f)
	}
	if f := FailureOf(nil, nil, nil); f.Category != System {
		t.Errorf("of nothing it is %+v", f)
	}
}

func TestFailureThroughAClient(t *testing.T) {
	client := &http.Client{Transport: atOnce(Retry{MaxAttempts: 2}).Wrap(new(http.Transport))}
	_, err := client.Do(get(t, "http://"+refusing(t)+"/?key=secret")) //nolint:bodyclose // there is none
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Retries != 1 || f.GaveUp != ReasonAttempts {
		t.Errorf("got %#v", err)
	}
	e, ok := errors.AsType[*url.Error](err)
	if !ok || e.Timeout() || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
	if _, twice := errors.AsType[*url.Error](e.Err); twice {
		t.Errorf("there is a *url.Error in a *url.Error: %v", err)
	}
	client.Transport = atOnce(Retry{MaxAttempts: 2}).Wrap(script(&TimeoutError{"response headers", time.Second}))
	_, err = client.Do(get(t, "http://a.test")) //nolint:bodyclose // there is none
	if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
		t.Errorf("%v is not a timeout", err)
	}
}

func TestFailureIsANetError(t *testing.T) {
	var _ net.Error = new(Failure)
	f := FailureOf(nil, nil, &TimeoutError{"call", time.Second})
	if !f.Timeout() || !f.Temporary() {
		t.Error("it is no timeout")
	}
}

func TestFailureText(t *testing.T) {
	f := &Failure{Operation: "load user", Category: Network, Message: "dial: connection refused"}
	if got, want := f.Error(), "transport: load user: network: dial: connection refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.Retries, f.GaveUp = 2, ReasonAttempts
	if got, want := f.Error(), "transport: load user: network: dial: connection refused (gave up after 3 attempts)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.GaveUp = ReasonDeadline
	if got, want := f.Error(), "transport: load user: network: dial: connection refused (gave up after 3 attempts: no time for another)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFailureInALog(t *testing.T) {
	f := &Failure{
		Time: noon, Severity: Medium, Category: Network, Message: "m", Details: "d", Recoverable: true, Retries: 2,
		Operation: "o", Host: "h", cause: &errBoom,
	}
	want := "[operation=o host=h severity=medium category=network message=m details=d recoverable=true retry_count=2]"
	if got := f.LogValue().String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	f.GaveUp = ReasonBudget
	want = strings.TrimSuffix(want, "]") + " gave_up=budget]"
	if got := f.LogValue().String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFailureAsJSON(t *testing.T) {
	f := &Failure{
		Time: noon, Severity: Medium, Category: Network, Message: "m", Details: "d", Recoverable: true, Retries: 2,
		GaveUp: ReasonBudget, Operation: "o", Host: "h", cause: &errBoom,
	}
	got, err := json.Marshal(f)
	want := `{"timestamp":"2026-11-24T12:00:00Z","severity":"medium","category":"network","message":"m","details":"d",` +
		`"recoverable":true,"retry_count":2,"gave_up":"budget","operation":"o","host":"h"}`
	if string(got) != want || err != nil {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

// leaky is an error whose text holds what must not be printed.
type leakyError struct{ text string }

func (e *leakyError) Error() string { return e.text }

type textError string

func (e textError) Error() string { return string(e) }

// Whatever is wrong with a call, nothing that the kit prints of it holds what
// only the call may know.
func TestNoSecretIsPrinted(t *testing.T) {
	const secret = "s3cr3t"
	open := &Breaker{FailureThreshold: 1}
	for _, test := range []struct {
		name string
		base http.RoundTripper
		wrap Middleware
	}{
		{"an error whose text has it", script(&leakyError{secret}), nil},
		{"an error that is its text", script(textError(secret)), nil},
		{"an error in a socket whose text has it", script(&net.OpError{Op: "dial", Err: &leakyError{secret}}), nil},
		{"an address", script(&net.OpError{Op: "dial", Err: &net.AddrError{Err: secret, Addr: secret}}), nil},
		{"a name", script(&net.DNSError{Err: secret, Name: secret, Server: secret}), nil},
		{"a URL", script(&url.Error{Op: "Get", URL: "http://" + secret, Err: io.EOF}), nil},
		{"a malformed answer", script(fmt.Errorf("malformed HTTP response %q", secret)), nil},
		{"a file's name", script(&os.PathError{Op: "open", Path: secret, Err: syscall.ENOENT}), nil},
		{"errors joined", script(errors.Join(&leakyError{secret}, errRefused)), nil},
		{"a status", script(503), nil},
		{"an answer whose headers have it", script(header("Set-Cookie", secret, "Retry-After", secret)), nil},
		{"a refusal", script(503), open.Wrap},
		{"a timeout", Func(never503), Timeout{Headers: time.Millisecond}.Wrap},
		{"a policy's error", script(503), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			var s Stats
			text := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			check := func(_ context.Context, resp *http.Response, err error) (bool, error) {
				if test.name == "a policy's error" {
					return false, &leakyError{secret}
				}
				return err != nil, nil
			}
			rt := Chain(test.base, Record{Stats: &s, Logger: text}.Wrap, atOnce(Retry{Logger: text, Check: check}).Wrap, test.wrap)
			for range 2 {
				req := newRequest(t, http.MethodGet, "http://user:"+secret+"@a.test/"+secret+"?key="+secret+"#"+secret, nil)
				req.Header.Set("Authorization", secret)
				req.Header.Set("Idempotency-Key", secret)
				req = req.WithContext(WithIdempotencyKey(req.Context(), secret))
				resp, err := rt.RoundTrip(req)
				f := FailureOf(req, resp, err)
				asJSON, _ := json.Marshal(f)
				fmt.Fprintln(&out, f.Error(), string(asJSON), fmt.Sprint(f.LogValue()))
				fmt.Fprintf(&out, "%v %+v %#v\n%v %+v %#v\n", f, f, f, *f, *f, *f)
				text.Error("mine", "failure", f)
				slog.New(slog.NewJSONHandler(&out, nil)).Error("mine", "failure", f)
				asJSON, _ = json.Marshal(s.Traffic())
				fmt.Fprintln(&out, string(asJSON))
				if resp != nil {
					resp.Body.Close()
				}
			}
			asJSON, _ := json.Marshal(open.States())
			fmt.Fprintln(&out, string(asJSON))
			if strings.Contains(out.String(), secret) {
				t.Errorf("it is printed:\n%s", out.String())
			}
		})
	}
}
