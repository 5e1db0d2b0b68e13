// Production shows ten operations of a program, none of which is an HTTP call,
// through one agent: a database that loses connections and is slow once, a
// search engine that is down, files. Each is judged, tried again where that can
// help, guarded by its service's circuit, and done in another way where there is
// one. At the end the health report says how it went.
//
//	go run ./examples/production
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "production:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	agent, err := safetrip.New("production", config())
	if err != nil {
		return err
	}
	defer agent.Close()

	if err := table(ctx, out, agent); err != nil {
		return err
	}
	fmt.Fprintln(out, "\n/healthz?verbose, without the machine's own checks")
	if err := allChecked(ctx, agent); err != nil {
		return err
	}
	return report(ctx, out, agent)
}

// config has the three services, with delays that a demonstration can afford.
func config() safetrip.Config {
	retry := transport.Retry{BaseDelay: 10 * time.Millisecond, MaxDelay: 50 * time.Millisecond}
	return safetrip.Config{
		Logger: slog.New(slog.DiscardHandler),
		Services: map[string]safetrip.Config{
			"database": {Retry: retry, Timeout: transport.Timeout{Headers: 200 * time.Millisecond}},
			"search":   {Retry: retry},
			"files":    {Retry: retry},
		},
		Health: &healthz.Monitor{
			Interval:   50 * time.Millisecond,
			Thresholds: healthz.Thresholds{MinCalls: 5},
			Detail:     func(*http.Request) bool { return true }, // nobody but us can see it
		},
	}
}

// table does the operations, and prints what became of them.
func table(ctx context.Context, out io.Writer, agent *safetrip.Agent) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "service\toperation\tresult\tattempts\tlevel\tcircuit before\ttook")
	for _, op := range operations() {
		row := op.on(ctx, agent)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		fmt.Fprintln(t, row)
	}
	return t.Flush()
}

// on does the operation, and says what its Trip knows of it.
func (op operation) on(ctx context.Context, agent *safetrip.Agent) string {
	ctx, trip := transport.NewTrip(ctx)
	if op.once {
		ctx = transport.WithoutRetry(ctx)
	}
	began := time.Now()
	err := agent.Service(op.service).Do(ctx, op.name, op.do, op.instead...)
	took := time.Since(began)

	result := "ok"
	switch {
	case err != nil:
		v := transport.Classify(nil, nil, err)
		result = fmt.Sprintf("%v, %v", v.Category, v.Severity)
	case trip.Answer().Level == transport.Degraded:
		result = "ok, by a fallback"
	}
	return fmt.Sprintf("%s\t%s\t%s\t%d\t%v\t%v\t%v",
		op.service, op.name, result, len(trip.Attempts()), trip.Answer().Level, before(trip), took.Round(10*time.Millisecond))
}

// before returns the state in which the call found its circuit.
func before(trip *transport.Trip) transport.State {
	if attempts := trip.Attempts(); len(attempts) > 0 {
		return attempts[0].Circuit.State
	}
	return trip.Circuit().State // it was not even tried
}

// allChecked waits until every check has run since.
func allChecked(ctx context.Context, agent *safetrip.Agent) error {
	since := time.Now()
	old := func(c healthz.CheckReport) bool { return c.Time.Before(since) }
	for slices.ContainsFunc(agent.Report().Checks, old) {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// report prints the health page as an operator would read it.
func report(ctx context.Context, out io.Writer, agent *safetrip.Agent) error {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/healthz?verbose&exclude=cpu_usage&exclude=memory_usage&exclude=disk_usage", nil)
	r.Header.Set("Accept", "text/plain")
	agent.Healthz().ServeHTTP(w, r)
	_, err := fmt.Fprintf(out, "%d\n%s", w.Code, w.Body)
	return err
}
