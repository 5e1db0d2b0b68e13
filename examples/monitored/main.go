// Monitored shows what an agent knows of its own health: operations that fail in
// different ways, a check of the program's own, alerts when something changes,
// and the /healthz page in the form that machines and people want.
//
//	go run ./examples/monitored
//	go run ./examples/monitored -serve 127.0.0.1:8080   # and keep the page up
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

func main() {
	address := flag.String("serve", "", "an address of this machine to keep the health page up at, such as 127.0.0.1:8080")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *address, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "monitored:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address string, out io.Writer) error {
	var jobs queue
	alerts := make(chan healthz.Alert, 100)
	agent, err := safetrip.New("monitored", config(&jobs, alerts))
	if err != nil {
		return err
	}
	defer agent.Close()

	s := story{agent: agent, jobs: &jobs, alerts: alerts, out: out}
	if err := s.tell(ctx); err != nil {
		return err
	}
	if address != "" {
		return s.serve(ctx, address)
	}
	return nil
}

// config has a check of the program's own beside those that an agent brings,
// and a sink that hands the alerts to the story. Checks run often, since the
// story is short; the machine's own checks are let be.
func config(jobs *queue, alerts chan<- healthz.Alert) safetrip.Config {
	return safetrip.Config{
		Logger: slog.New(slog.DiscardHandler),
		Health: &healthz.Monitor{
			Interval: 50 * time.Millisecond,
			Checks:   []healthz.Check{{Name: "queue_length", Description: "Jobs that wait", Run: jobs.check}},
			Alerts: healthz.Alerts{
				Sinks: []healthz.Sink{func(ctx context.Context, a healthz.Alert) {
					select {
					case alerts <- a:
					case <-ctx.Done(): // nobody reads them
					}
				}},
			},
			Thresholds: healthz.Thresholds{
				MinCalls: 5, CPU: off, Memory: off, Disk: off,
			},
			Detail: func(*http.Request) bool { return true }, // served on this machine alone
		},
		Services: map[string]safetrip.Config{
			"mail": {
				Breaker: &transport.Breaker{OpenFor: 300 * time.Millisecond, Successes: 1},
				Disable: safetrip.Retry,
			},
		},
	}
}

// off turns a check's bounds off.
var off = healthz.Bounds{Warning: -1, Critical: -1}
