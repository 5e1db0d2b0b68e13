package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A script is a gateway of which each request meets the next line. The last one
// stays.
type script struct {
	mu    sync.Mutex // guards the rest
	lines []line
	asked []question
}

// A line is what a request comes to.
type line func(*http.Request) (*http.Response, error)

// A question is what a request was.
type question struct{ what, key, body string }

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	s.mu.Lock()
	s.asked = append(s.asked, question{req.Method + " " + req.URL.Path, req.Header.Get("Idempotency-Key"), string(body)})
	next := s.lines[0]
	if len(s.lines) > 1 {
		s.lines = s.lines[1:]
	}
	s.mu.Unlock()
	return next(req)
}

// questions returns what was asked so far.
func (s *script) questions() []question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]question(nil), s.asked...)
}

// says answers with a status and a receipt.
func says(status int, r receipt) line {
	return func(*http.Request) (*http.Response, error) {
		text, err := json.Marshal(r)
		return &http.Response{
			StatusCode: status, Header: http.Header{}, ContentLength: int64(len(text)), Body: io.NopCloser(bytes.NewReader(text)),
		}, err
	}
}

// fails answers with a status and nothing that could be a receipt.
func fails(status int) line { return says(status, receipt{}) }

// refuses is a port where nobody listens, resets one that was there.
var (
	refuses = breaks("dial", syscall.ECONNREFUSED)
	resets  = breaks("read", syscall.ECONNRESET)
)

func breaks(op string, why error) line {
	return func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, why)}
	}
}

// cuts answers with half a receipt.
func cuts(r receipt) line {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := says(http.StatusCreated, r)(req)
		resp.Body = io.NopCloser(io.MultiReader(io.LimitReader(resp.Body, 10), broken{}))
		return resp, err
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// paid is the receipt of a charge.
func paid(t transaction) receipt {
	return receipt{Key: t.key(), Status: "charged", Charge: "ch_1", Amount: t.Amount, Currency: t.Currency}
}

// newBusiness puts the parts together around a gateway. Waits are short, so that
// tests are.
func newBusiness(t *testing.T, base http.RoundTripper, log *slog.Logger) *business {
	t.Helper()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	o := options{
		db: filepath.Join(t.TempDir(), "payments.db"), gateway: "http://gateway.test", workers: 2,
		patience: patience{attempt: 5 * time.Second, call: 10 * time.Second, backoff: time.Millisecond, openFor: time.Hour},
	}
	b, err := o.openWith(t.Context(), base, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

// take accepts transactions and has them sent.
func (b *business) take(t *testing.T, all ...transaction) {
	t.Helper()
	if _, _, err := b.processor.accept(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if err := b.processor.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// want checks where a transaction stands.
func (b *business) want(t *testing.T, id string, in state, why string) {
	t.Helper()
	r, err := b.store.find(t.Context(), id)
	if err != nil || r.state != in || r.why != why {
		t.Errorf("%s is %s, %q (%v); want %s, %q", id, r.state, r.why, err, in, why)
	}
}

// wantAudit checks that the log holds, as every test leaves it.
func (b *business) wantAudit(t *testing.T) {
	t.Helper()
	var out bytes.Buffer
	if holds, err := b.store.verify(t.Context(), anchor{}, &out); !holds || err != nil {
		t.Errorf("verify: %v\n%s", err, &out)
	}
}

var ada = decision{Reviewer: "ada", Reason: "because"}
