package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"syscall"
)

// describe says what an error is in words that hold no secret: fixed ones,
// among them net/http's own as far as the table of texts has them, or texts of
// the operating system. Of an error that it does not know it says the type.
func describe(err error) string {
	if _, ok := errors.AsType[*OpenError](err); ok {
		return ErrCircuitOpen.Error()
	}
	if e, ok := errors.AsType[*LimitError](err); ok {
		return ErrLimited.Error() + ": " + e.reason()
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Op + ": " + describeSocket(e)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return describeDNS(e)
	}
	if isType[*tls.CertificateVerificationError](err) || isType[x509.CertificateInvalidError](err) ||
		isType[x509.HostnameError](err) || isType[x509.UnknownAuthorityError](err) {
		return "certificate not accepted"
	}
	if e, ok := errors.AsType[*TimeoutError](err); ok {
		return e.Error()
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled.Error()
	}
	if e, ok := errors.AsType[streamError](err); ok {
		return e.Error()
	}
	if entry := textOf(err); entry != nil {
		return entry.String()
	}
	if isTimeout(err) || errors.Is(err, context.DeadlineExceeded) {
		return "timed out"
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e.Error()
	}
	return describeEnd(err)
}

// describeEnd knows the ways in which a connection ends.
func describeEnd(err error) string {
	for _, end := range []error{io.ErrUnexpectedEOF, io.EOF, net.ErrClosed} {
		if errors.Is(err, end) {
			return end.Error()
		}
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
	return describeEnd(e.Err)
}

func describeDNS(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return "no such host"
	case e.IsTimeout:
		return "name lookup timed out"
	}
	return "name lookup failed"
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
