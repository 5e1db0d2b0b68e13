package chaos

import (
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
)

// An Error is a failure that was injected. It wraps what the failure pretends
// to be.
type Error struct{ Err error }

// Error says that it was injected.
func (e *Error) Error() string { return "chaos: injected: " + e.Err.Error() }

// Unwrap returns the pretended error.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the pretended error is a timeout. An http.Client
// asks the outermost error.
func (e *Error) Timeout() bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](e.Err)
	return ok && t.Timeout()
}

// Refused is the error of a port where nobody listens.
func Refused(*http.Request) error { return socket("dial", syscall.ECONNREFUSED) }

// Reset is the error of a connection that was reset while the answer was
// awaited.
func Reset(*http.Request) error { return socket("read", syscall.ECONNRESET) }

// TimedOut is the error of a connection that could not be made in time.
func TimedOut(*http.Request) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
}

// NoSuchHost is the error of a name that does not exist.
func NoSuchHost(req *http.Request) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: req.URL.Hostname(), IsNotFound: true}}
}

func socket(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, errno)}
}
