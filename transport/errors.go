package transport

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// The rules of classifyError. Each knows one kind of error.

// passing is a failure of the way to the service that may be gone the next
// time.
func passing(c Category, sent Sent) Verdict {
	return Verdict{Outcome: Failed, Category: c, Severity: Medium, Recoverable: true, Retryable: true, Sent: sent}
}

// lasting is one that will be there the next time too.
func lasting(c Category, sent Sent) Verdict {
	return Verdict{Outcome: Failed, Category: c, Severity: Medium, Sent: sent}
}

// invalid is a request that net/http did not send, because it is wrong.
var invalid = Verdict{Outcome: Neutral, Category: Validation, Severity: Low, Recoverable: true, Sent: Unsent}

// ofOurselves knows what this machine lacks: memory, descriptors. It may lack
// them in the middle of a request, too.
func ofOurselves(_ *http.Request, err error) (Verdict, bool) {
	v := Verdict{Outcome: Neutral, Category: System, Severity: Critical, Sent: sentBefore(err)}
	return v, isAny(err, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS)
}

// ofDNS knows names that lead nowhere, now or for good.
func ofDNS(_ *http.Request, err error) (Verdict, bool) {
	e, ok := errors.AsType[*net.DNSError](err)
	switch {
	case !ok:
		return Verdict{}, false
	case e.IsTimeout:
		return passing(TimedOut, Unsent), true
	case e.IsNotFound:
		return lasting(Network, Unsent), true
	}
	return passing(Network, Unsent), true
}

// ofTLS knows handshakes that will fail again: a certificate does not get
// better. An alert, of which package crypto/tls shows only who raised it, can
// also come after the request was written (TLS 1.3 refuses a client's
// certificate that late), so it claims nothing about how far the request got.
// Nor does a record that makes no sense, unless it was the first one: only
// that brings its connection along.
func ofTLS(_ *http.Request, err error) (Verdict, bool) {
	if e, ok := errors.AsType[*net.OpError](err); ok && (e.Op == "remote error" || e.Op == "local error") {
		return lasting(Network, Maybe), true
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && e.Conn == nil {
		return lasting(Network, Maybe), true
	}
	return lasting(Network, Unsent), isType[*tls.CertificateVerificationError](err) || isType[x509.CertificateInvalidError](err) ||
		isType[x509.HostnameError](err) || isType[x509.UnknownAuthorityError](err) ||
		isType[tls.RecordHeaderError](err) || errors.Is(err, http.ErrSchemeMismatch)
}

// ofAddress knows URLs that lead nowhere, such as one with the port 99999.
func ofAddress(_ *http.Request, err error) (Verdict, bool) {
	if e, ok := errors.AsType[*url.Error](err); ok && e.Op == "parse" {
		return invalid, true
	}
	return invalid, isType[*net.AddrError](err) || isType[*net.ParseError](err) || isType[net.UnknownNetworkError](err)
}

// ofText does not ask errors of sockets and of [Timeout], which have types, for
// their texts: that would allocate.
func ofText(req *http.Request, err error) (Verdict, bool) {
	if isType[*net.OpError](err) || isType[*TimeoutError](err) {
		return Verdict{}, false
	}
	entry := textOf(err)
	if entry == nil {
		return Verdict{}, false
	}
	v := entry.verdict
	if v == cut {
		v.Retryable = req == nil || isSafe(req.Method) || hasIdempotencyKey(req.Header)
	}
	return v, true
}

// cut is an answer that broke off. It is worth another try where a try does no
// harm: on a safe method, or with an Idempotency-Key, by which the service
// knows to say again what it said.
var cut = Verdict{Outcome: Failed, Category: Data, Severity: Medium, Retryable: true}

// ofTime knows timeouts of every kind.
func ofTime(_ *http.Request, err error) (Verdict, bool) {
	e, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	if ok && e.Timeout() || isAny(err, context.DeadlineExceeded, os.ErrDeadlineExceeded) {
		return passing(TimedOut, sentBefore(err)), true
	}
	return Verdict{}, false
}

// streamError has the shape of net/http's error for an HTTP/2 stream that was
// reset, which lets errors.As convert it to a type of ours: see the As method
// in net/http/h2_error.go.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

// Error names the code by its name in RFC 9113, section 7, as net/http does.
func (e streamError) Error() string {
	code := fmt.Sprintf("unknown error code 0x%x", e.Code)
	if int(e.Code) < len(streamCodes) {
		code = streamCodes[e.Code]
	}
	return fmt.Sprintf("stream error: stream ID %d; %s", e.StreamID, code)
}

var streamCodes = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
	"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

const (
	// protocolError is what a stream is reset with that makes no sense.
	protocolError = 0x1

	// refusedStream is the only code that promises that nothing was processed:
	// RFC 9113, section 8.7.
	refusedStream = 0x7
)

// ofHTTP2 knows streams that were reset, and those that net/http itself gave
// up since their headers make no sense, or are too large. The cause tells the
// two apart: of a reset it is a text that is always the same.
func ofHTTP2(_ *http.Request, err error) (Verdict, bool) {
	e, ok := errors.AsType[streamError](err)
	switch {
	case !ok:
		return Verdict{}, false
	case e.Code == refusedStream:
		return passing(Network, Unsent), true
	case e.Code == protocolError && e.Cause != nil && e.Cause.Error() != "received from peer":
		return lasting(Data, Maybe), true
	}
	return passing(Network, Maybe), true
}

// ofAnswer knows answers that broke off or make no sense.
func ofAnswer(req *http.Request, err error) (Verdict, bool) {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		v := cut
		v.Retryable = req == nil || isSafe(req.Method) || hasIdempotencyKey(req.Header)
		return v, true
	}
	return lasting(Data, Maybe), isAny(err, gzip.ErrHeader, gzip.ErrChecksum) || isType[flate.CorruptInputError](err) || isType[textproto.ProtocolError](err)
}

// ofSocket knows the rest of what a socket can say. A connection that was
// closed without a byte of answer (io.EOF) is one that was reset politely. The
// system has the same numbers for what files say, which come in a PathError.
func ofSocket(_ *http.Request, err error) (Verdict, bool) {
	if isType[*fs.PathError](err) {
		return Verdict{}, false
	}
	return passing(Network, sentBefore(err)), isType[*net.OpError](err) || isType[syscall.Errno](err) ||
		isAny(err, io.EOF, net.ErrClosed, driver.ErrBadConn)
}

// ofProgram knows faults of a program, ours or the RoundTripper below.
func ofProgram(_ *http.Request, err error) (Verdict, bool) {
	v := Verdict{Outcome: Failed, Category: System, Severity: High}
	return v, isType[runtime.Error](err) || errors.Is(err, layer.ErrNoResponse)
}

// ofData knows errors of work that is not HTTP.
func ofData(_ *http.Request, err error) (Verdict, bool) {
	if isType[*json.SyntaxError](err) || isType[*json.UnmarshalTypeError](err) || isType[*strconv.NumError](err) {
		return Verdict{Category: Validation, Severity: Low, Recoverable: true}, true
	}
	return Verdict{Category: Data, Severity: Medium}, isAny(err, sql.ErrNoRows, fs.ErrNotExist)
}

// sentBefore returns Unsent if err says that no connection was made.
func sentBefore(err error) Sent {
	if e, ok := errors.AsType[*net.OpError](err); ok && (e.Op == "dial" || e.Op == "proxyconnect" || e.Op == "socks connect") {
		return Unsent
	}
	return Maybe
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
