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

	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "service\toperation\tresult\tattempts\tlevel\tcircuit before\ttook\t")
	for _, op := range operations() {
		tell(ctx, t, agent, op)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "\n/healthz?verbose, without the machine's own checks")
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

// tell does an operation and prints what its Trip knows of it.
func tell(ctx context.Context, out io.Writer, agent *safetrip.Agent, op operation) {
	ctx, trip := transport.NewTrip(ctx)
	if op.once {
		ctx = transport.WithoutRetry(ctx)
	}
	began := time.Now()
	err := agent.Service(op.service).Do(ctx, op.name, op.do, op.instead...)
	took := time.Since(began)

	result := "ok"
	if trip.Answer().Level == transport.Degraded {
		result = "ok, by a fallback"
	}
	if err != nil {
		v := transport.Classify(nil, nil, err)
		result = fmt.Sprintf("%v, %v", v.Category, v.Severity)
	}
	fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%v\t%v\t%v\t\n",
		op.service, op.name, result, len(trip.Attempts()), trip.Answer().Level, trip.Circuit().State, took.Round(10*time.Millisecond))
}

// report prints the health page as an operator would read it.
func report(ctx context.Context, out io.Writer, agent *safetrip.Agent) error {
	select {
	case <-time.After(200 * time.Millisecond): // so that every check has run since
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/healthz?verbose&exclude=cpu_usage&exclude=memory_usage&exclude=disk_usage", nil)
	r.Header.Set("Accept", "text/plain")
	agent.Healthz().ServeHTTP(w, r)
	_, err := fmt.Fprintf(out, "%d\n%s", w.Code, w.Body)
	return err
}
