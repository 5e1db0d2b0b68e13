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
// error that it made is an [*Error] around what it pretends to be, so that
// nobody takes either for the service's.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	// own. If it makes none, the call goes on.
	Err func(*http.Request) error

	// Status, if not zero, answers with it, without a call to the service.
	Status int

	// RetryAfter, if not zero, is sent with Status, in whole seconds, rounded
	// up.
	RetryAfter time.Duration

	// Cut, if above zero, ends the service's response body after so many
	// bytes with io.ErrUnexpectedEOF.
	Cut int64

	// Dribble, if above zero, is how long each byte of the service's response
	// body takes. A read that waits ends when the body is closed or the
	// caller's context is over.
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
	for _, x := range []struct {
		name  string
		value any
		bad   bool
	}{
		{"Latency", f.Latency, f.Latency < 0},
		{"Jitter", f.Jitter, f.Jitter < 0},
		{"RetryAfter", f.RetryAfter, f.RetryAfter < 0},
		{"Cut", f.Cut, f.Cut < 0},
		{"Dribble", f.Dribble, f.Dribble < 0},
	} {
		if x.bad {
			errs = append(errs, fmt.Errorf("chaos: Fault.%s is %v; it must not be negative", x.name, x.value))
		}
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

	once sync.Once
	mu   sync.Mutex // guards dice
	dice *rand.Rand
}

// Set replaces the faults. A call meets the first one that matches it and whose
// Rate falls on it, and no other; without any faults all calls pass again. Set
// returns an error, and changes nothing, if a Fault is not valid.
func (i *Injector) Set(faults ...Fault) error {
	var errs []error
	for _, f := range faults {
		errs = append(errs, f.Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	faults = slices.Clone(faults)
	i.faults.Store(&faults)
	return nil
}

// Injected returns how many calls met a fault.
func (i *Injector) Injected() uint64 { return i.injected.Load() }

// Wrap returns next with the faults injected.
func (i *Injector) Wrap(next http.RoundTripper) http.RoundTripper {
	i.once.Do(func() { i.dice = rand.New(rand.NewPCG(i.Seed, 0)) })
	return &injector{layer.Layer{Next: next}, i}
}

type injector struct {
	layer.Layer
	*Injector
}

// RoundTrip injects. A request without a URL or with a context that is over is
// left to the transport, which knows how to refuse it.
func (i *injector) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil || req.Context().Err() != nil {
		return i.Send(req)
	}
	f, ok := i.choose(req)
	if !ok {
		return i.Send(req)
	}
	i.injected.Add(1)
	resp, err := i.instead(f, req)
	if resp != nil || err != nil {
		layer.CloseBody(req)
		return resp, err
	}
	if resp, err = i.Send(req); err == nil {
		f.spoil(req.Context(), resp)
	}
	return resp, err
}

// instead returns what the call ends with before it reaches the service, if it
// does.
func (i *Injector) instead(f Fault, req *http.Request) (*http.Response, error) {
	if err := sleep(req.Context(), f.Latency+i.jitter(f.Jitter)); err != nil {
		return nil, err
	}
	if f.Err != nil {
		if err := f.Err(req); err != nil {
			return nil, &Error{err}
		}
	}
	if f.Status != 0 {
		return f.answer(req), nil
	}
	return nil, nil
}

// choose returns the fault that the call meets.
func (i *Injector) choose(req *http.Request) (f Fault, ok bool) {
	faults := i.faults.Load()
	if faults == nil {
		return Fault{}, false
	}
	for _, f := range *faults {
		if (f.Match == nil || f.Match(req)) && i.meets(f.Rate) {
			return f, true
		}
	}
	return Fault{}, false
}

// meets throws the dice.
func (i *Injector) meets(rate float64) bool {
	if rate == 0 {
		return true
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.dice.Float64() < rate
}

func (i *Injector) jitter(most time.Duration) time.Duration {
	if most == 0 {
		return 0
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return time.Duration(i.dice.Int64N(int64(most)))
}

// answer makes up the response.
func (f Fault) answer(req *http.Request) *http.Response {
	text := "chaos: " + http.StatusText(f.Status) + "\n"
	resp := &http.Response{
		Status: strconv.Itoa(f.Status) + " " + http.StatusText(f.Status), StatusCode: f.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Chaos": {"made up"}, "Content-Type": {"text/plain; charset=utf-8"}},
		Body:          io.NopCloser(strings.NewReader(text)),
		ContentLength: int64(len(text)),
		Request:       req,
	}
	if f.RetryAfter > 0 {
		resp.Header.Set("Retry-After", strconv.FormatInt(int64((f.RetryAfter-1)/time.Second)+1, 10))
	}
	switch {
	case req.Method == http.MethodHead:
		resp.Body = http.NoBody
	case f.Status == http.StatusNoContent, f.Status == http.StatusNotModified:
		resp.Body, resp.ContentLength = http.NoBody, 0
		resp.Header.Del("Content-Type")
	}
	return resp
}

// sleep waits for d, and returns why if ctx is over before.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
