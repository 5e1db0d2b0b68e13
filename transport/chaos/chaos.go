// Package chaos makes HTTP calls fail on purpose: a layer that delays, refuses,
// cuts and corrupts, by rate and by rule, so that a program can be seen to
// survive it.
//
//	var storm chaos.Injector
//	storm.Set(chaos.Fault{Rate: 0.2, Status: 503, RetryAfter: time.Second},
//		chaos.Fault{Rate: 0.05, Err: chaos.Reset})
//	client := &http.Client{Transport: transport.Chain(nil,
//		transport.Retry{}.Wrap, storm.Wrap)}
//
// It stands innermost, in the service's place. The zero Injector does nothing;
// [Injector.Set] turns it on and, without faults, off again, while calls are
// under way. What it does is decided by its Seed and the order of the calls.
//
// Every response that it made up or spoiled carries the header Chaos, and every
// error of it is an [*Error] among other things, so that nobody takes it for
// the service's.
package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// A Fault is one thing that can go wrong. Its fields add up: a Fault with
// Latency and Status answers late with that status.
type Fault struct {
	// Rate is the share of matching calls that meet the fault, from 0 to 1. If
	// zero, it is 1.
	Rate float64

	// Match says which calls the fault is for. If nil, all.
	Match func(*http.Request) bool

	// Latency is added before anything else, plus up to Jitter at random. It
	// ends early when the caller's context does.
	Latency, Jitter time.Duration

	// Err, if not nil, makes the error that the call ends with, before
	// anything is sent: [Refused], [Reset], [NoSuchHost], [TimedOut] or your
	// own.
	Err func(*http.Request) error

	// Status, if not zero, answers with it, without a call to the service.
	Status int

	// RetryAfter, if not zero, is sent with Status, in whole seconds.
	RetryAfter time.Duration

	// Cut, if above zero, ends the service's response body after so many
	// bytes with io.ErrUnexpectedEOF.
	Cut int64

	// Dribble, if above zero, is how long each byte of the service's response
	// body takes.
	Dribble time.Duration
}

// Validate returns an error that names every field out of its bounds.
func (f Fault) Validate() error {
	var errs []error
	if !(f.Rate >= 0 && f.Rate <= 1) {
		errs = append(errs, fmt.Errorf("chaos: Fault.Rate is %v; it must be from 0 to 1", f.Rate))
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		errs = append(errs, fmt.Errorf("chaos: Fault.Status is %d; it must be from 200 to 599", f.Status))
	}
	if f.Latency < 0 || f.Jitter < 0 || f.RetryAfter < 0 || f.Dribble < 0 || f.Cut < 0 {
		errs = append(errs, errors.New("chaos: Fault.Latency, Jitter, RetryAfter, Cut and Dribble must not be negative"))
	}
	return errors.Join(errs...)
}

// An Injector makes calls fail. The zero value lets all pass. All methods may
// be called concurrently.
type Injector struct {
	// Seed makes what it does repeatable. It is read at the first Wrap.
	Seed uint64

	faults   atomic.Pointer[[]Fault]
	injected atomic.Uint64

	mu   sync.Mutex // guards dice
	dice *rand.Rand
}

// Set replaces the faults; the first one that matches and whose Rate says so
// is met. Without any, all calls pass again. It returns an error, and changes
// nothing, if a Fault is not valid.
func (i *Injector) Set(faults ...Fault) error {
	var errs []error
	for _, f := range faults {
		errs = append(errs, f.Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	faults = append([]Fault(nil), faults...)
	i.faults.Store(&faults)
	return nil
}

// Injected returns how many calls met a fault.
func (i *Injector) Injected() uint64 { return i.injected.Load() }

// Wrap returns next with the faults injected.
func (i *Injector) Wrap(next http.RoundTripper) http.RoundTripper {
	return &injector{layer.Layer{Next: next}, i}
}

type injector struct {
	layer.Layer
	*Injector
}

func (i *injector) RoundTrip(req *http.Request) (*http.Response, error) {
	f, late, ok := i.choose(req)
	if !ok {
		return i.Send(req)
	}
	i.injected.Add(1)
	if err := sleep(req, late); err != nil {
		layer.CloseBody(req)
		return nil, err
	}
	switch {
	case f.Err != nil:
		layer.CloseBody(req)
		return nil, &Error{f.Err(req)}
	case f.Status != 0:
		layer.CloseBody(req)
		return f.answer(req), nil
	}
	resp, err := i.Send(req)
	if err == nil {
		f.spoil(resp)
	}
	return resp, err
}

// choose throws the dice for each fault that matches.
func (i *Injector) choose(req *http.Request) (f Fault, late time.Duration, ok bool) {
	faults := i.faults.Load()
	if faults == nil || len(*faults) == 0 {
		return Fault{}, 0, false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dice == nil {
		i.dice = rand.New(rand.NewPCG(i.Seed, 0))
	}
	for _, f := range *faults {
		if f.Match != nil && !f.Match(req) || f.Rate != 0 && i.dice.Float64() >= f.Rate {
			continue
		}
		late := f.Latency
		if f.Jitter > 0 {
			late += time.Duration(i.dice.Int64N(int64(f.Jitter)))
		}
		return f, late, true
	}
	return Fault{}, 0, false
}

func (f Fault) answer(req *http.Request) *http.Response {
	body := []byte("chaos: " + http.StatusText(f.Status) + "\n")
	resp := &http.Response{
		Status: strconv.Itoa(f.Status) + " " + http.StatusText(f.Status), StatusCode: f.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Chaos": {"made up"}, "Content-Type": {"text/plain; charset=utf-8"}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}
	if f.RetryAfter > 0 {
		resp.Header.Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
	}
	return resp
}

func (f Fault) spoil(resp *http.Response) {
	if f.Cut == 0 && f.Dribble == 0 || resp.Body == nil {
		return
	}
	resp.Header.Set("Chaos", "spoiled")
	resp.Body = &spoiled{ReadCloser: resp.Body, fault: f, left: f.Cut}
}

// spoiled is a body that dribbles, or ends too soon.
type spoiled struct {
	io.ReadCloser
	fault Fault
	left  int64
}

func (s *spoiled) Read(p []byte) (int, error) {
	if s.fault.Cut > 0 && s.left == 0 {
		return 0, &Error{io.ErrUnexpectedEOF}
	}
	if s.fault.Cut > 0 {
		p = p[:min(int64(len(p)), s.left)]
	}
	if s.fault.Dribble > 0 && len(p) > 0 {
		time.Sleep(s.fault.Dribble)
		p = p[:1]
	}
	n, err := s.ReadCloser.Read(p)
	s.left -= int64(n)
	return n, err
}

func sleep(req *http.Request, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-req.Context().Done():
		return req.Context().Err()
	}
}

// An Error is a failure that was injected. It wraps what the failure pretends
// to be.
type Error struct{ Err error }

// Error says that it was injected.
func (e *Error) Error() string { return "chaos: injected: " + e.Err.Error() }

// Unwrap returns the pretended error.
func (e *Error) Unwrap() error { return e.Err }

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
