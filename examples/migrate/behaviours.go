package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/safetrip-go/safetrip/examples/migrate/users"
	"github.com/safetrip-go/safetrip/transport"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// A behaviour is one thing that a caller can see. It says what it saw.
type behaviour struct {
	does string
	see  func(context.Context, *trial) string
	only part // of which libraries this is a question; 0 is all
}

// A part is something that a library does.
type part uint

const (
	circuits part = 1 << iota
	spans
)

// A trial is one client with a service and a recorder of spans of its own.
type trial struct {
	users.Client
	*service
	spans *tracetest.InMemoryExporter
}

// behaviours is the table that every library is held against, before and after.
var behaviours = []behaviour{
	{does: "200", see: answered(well)},
	{does: "503, 503, 200", see: answered(down, down, well)},
	{does: "503 without end", see: answered(down)},
	{does: "POST, 500 without end", see: added(reply{status: http.StatusInternalServerError})},
	{does: "POST, 503, 200", see: added(down, well)},
	{does: "the same with an Idempotency-Key", see: addedWithKey},
	{does: "10 calls, 503 without end", see: tenFail},
	{does: "the caller's request body", see: bodyIsClosed},
	{does: "429, Retry-After: 60, patience 500ms", see: isPatient},
	{does: "connections for 5 × (503 with 8 KiB, 200)", see: connections},
	{does: "the sixth call to a dead service", see: sixthCall, only: circuits},
	{does: "then one to another host", see: anotherHost, only: circuits},
	{does: "a call after six that were cancelled", see: afterCancels, only: circuits},
	{does: "spans of 503, 503, 200", see: spansOf, only: spans},
	{does: "a token in the query, in url.full", see: tokenIsShown, only: spans},
}

// answered looks a user up while the service answers by the script.
func answered(script ...reply) func(context.Context, *trial) string {
	return func(ctx context.Context, t *trial) string {
		t.says(script...)
		u, err := t.Fetch(ctx, "1")
		requests, _ := t.saw()
		return fmt.Sprintf("%s, %s", came(u, err), plural(requests, "request"))
	}
}

// came says what became of a call.
func came(u users.User, err error) string {
	switch {
	case err == nil:
		return u.Name
	case strings.Contains(err.Error(), words):
		return "the service's words"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline exceeded"
	}
	return "an error without its words"
}

// added adds a user while the service answers by the script.
func added(script ...reply) func(context.Context, *trial) string {
	return func(ctx context.Context, t *trial) string {
		t.says(script...)
		u, err := t.Add(ctx, strings.NewReader(`{"name":"Ada"}`))
		requests, _ := t.saw()
		return fmt.Sprintf("%s, %s", came(u, err), plural(requests, "request"))
	}
}

func addedWithKey(ctx context.Context, t *trial) string {
	return added(down, well)(transport.WithIdempotencyKey(ctx, "ada-1"), t)
}

func tenFail(ctx context.Context, t *trial) string {
	t.says(down)
	for range 10 {
		_, _ = t.Fetch(ctx, "1")
	}
	requests, _ := t.saw()
	return plural(requests, "request")
}

// body is a request body that knows whether it was closed.
type body struct {
	io.ReadCloser
	closed atomic.Int32
}

func (b *body) Close() error {
	b.closed.Add(1)
	return b.ReadCloser.Close()
}

func bodyIsClosed(ctx context.Context, t *trial) string {
	t.says(well)
	b := &body{ReadCloser: io.NopCloser(strings.NewReader(`{"name":"Ada"}`))}
	if _, err := t.Add(ctx, b); err != nil {
		return err.Error()
	}
	return "closed " + times(int(b.closed.Load()))
}

// isPatient calls with less patience than the service asks for.
func isPatient(ctx context.Context, t *trial) string {
	t.says(reply{status: http.StatusTooManyRequests, retryAfter: "60"})
	const patience = 500 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := time.Now()
	u, err := t.Fetch(ctx, "1")
	when := "at once"
	if time.Since(start) >= patience {
		when = "after 500ms"
	}
	return came(u, err) + ", " + when
}

func connections(ctx context.Context, t *trial) string {
	t.says()
	for range 5 {
		t.mu.Lock()
		t.script = []reply{{status: http.StatusServiceUnavailable, more: 8 << 10}, well}
		t.mu.Unlock()
		_, _ = t.Fetch(ctx, "1") // without retries it is the 503
	}
	_, dials := t.saw()
	return plural(dials, "connection")
}

// fiveFail makes as many calls that fail as open a circuit.
func (t *trial) fiveFail(ctx context.Context) {
	t.says(reply{status: http.StatusNotImplemented}) // which nobody sends again
	for range 5 {
		_, _ = t.Fetch(ctx, "1")
	}
}

func sixthCall(ctx context.Context, t *trial) string {
	t.fiveFail(ctx)
	return t.another(ctx)
}

// anotherHost calls a service that is well, through the same client.
func anotherHost(ctx context.Context, t *trial) string {
	t.fiveFail(ctx)
	other, err := serve(ctx)
	if err != nil {
		return err.Error()
	}
	defer other.server.Close()
	return (&trial{users.Client{URL: other.URL, Do: t.Do}, other, nil}).another(ctx)
}

// another makes a call while the service is well, and says whether it came
// through.
func (t *trial) another(ctx context.Context) string {
	t.says(well)
	u, err := t.Fetch(ctx, "1")
	if requests, _ := t.saw(); requests == 0 {
		return "refused"
	}
	return came(u, err)
}

// afterCancels makes six calls that the caller loses interest in.
func afterCancels(ctx context.Context, t *trial) string {
	t.says(reply{})
	for range 6 {
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			select {
			case <-t.waits:
				cancel()
			case <-ctx.Done(): // it was refused
			}
		}()
		_, _ = t.Fetch(ctx, "1")
		cancel()
	}
	return t.another(ctx)
}

// spansOf counts the spans of one call and reads their resend counts.
func spansOf(ctx context.Context, t *trial) string {
	t.says(down, down, well)
	_, _ = t.Fetch(ctx, "1") // bare, it is the 503
	kinds := map[trace.SpanKind]int{}
	var resent []string
	for _, s := range t.spans.GetSpans() {
		kinds[s.SpanKind]++
		if n := attributeOf(s, "http.request.resend_count"); n != "" {
			resent = append(resent, n)
		}
	}
	seen := fmt.Sprintf("%d client", kinds[trace.SpanKindClient])
	if n := kinds[trace.SpanKindInternal]; n > 0 {
		seen = fmt.Sprintf("%d call, %s", n, seen)
	}
	if resent != nil {
		seen += ", resend_count " + strings.Join(resent, " ")
	}
	return seen
}

func tokenIsShown(ctx context.Context, t *trial) string {
	t.says(well)
	if _, err := t.Fetch(ctx, "1?token=s3cret"); err != nil {
		return err.Error()
	}
	for _, s := range t.spans.GetSpans() {
		if strings.Contains(attributeOf(s, "url.full"), "s3cret") {
			return "shown"
		}
	}
	return "REDACTED"
}

func attributeOf(s tracetest.SpanStub, key attribute.Key) string {
	for _, kv := range s.Attributes {
		if kv.Key == key {
			return kv.Value.String()
		}
	}
	return ""
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
