// Quickstart shows what the kit does for a program that calls a bad service.
//
// An ordinary http.Client makes a few hundred calls to a user directory that
// misbehaves: 503s, resets, answers that come too late or are cut, and an
// outage of three seconds. Then the same client makes the same calls with the
// Agent's transport.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -url http://127.0.0.1:9000/users/1   # a service of yours
//	go run ./examples/quickstart -serve                               # and keep /healthz up
//
// With OTEL_EXPORTER_OTLP_ENDPOINT set, traces and metrics go there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/examples/internal/drill"
	"github.com/safetrip-go/safetrip/transport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program. It returns its exit code: 2 for wrong flags, 1 if it
// could not do its work.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := show(ctx, o, stdout); err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
		return 1
	}
	return 0
}

// show makes the two runs and prints what came of them.
func show(ctx context.Context, o options, out io.Writer) error {
	flush, err := export(ctx)
	if err != nil {
		return err
	}
	defer flush()

	up, l, err := o.service(ctx)
	if err != nil {
		return err
	}
	defer up.Close()

	events := new(timeline)
	cfg := drill.Config(o.timeout, events.add)
	d := display{out: out}
	d.settings(o, cfg, up)

	up.Start()
	bare := &http.Client{Timeout: o.timeout}
	without := summarize(l.Run(ctx, bare, d.progress("bare", l.Calls)))
	seenBare := up.Requests()
	if ctx.Err() != nil { // half a run shows nothing
		return context.Cause(ctx)
	}

	agent, err := safetrip.New("quickstart", cfg)
	if err != nil {
		return err
	}
	defer agent.Close()

	up.Start()
	events.start()
	client := &http.Client{Timeout: o.timeout, Transport: agent.Transport()} // the only line that changes
	with := summarize(l.Run(ctx, client, d.progress("with the kit", l.Calls)))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}

	d.table(without, with, seenBare, up.Requests(), events)
	if o.serve {
		return serve(ctx, agent, out)
	}
	return nil
}

// service returns what is called, and the calls.
func (o options) service(ctx context.Context) (*drill.Upstream, drill.Load, error) {
	l := drill.Load{URL: o.url, Calls: o.calls, Concurrency: o.concurrency, Seed: o.seed, Gap: o.lasts() / time.Duration(o.calls)}
	if o.url != "" {
		return nil, l, reach(ctx, o.url)
	}
	up, err := drill.NewUpstream(ctx, o.seed, nil)
	if err != nil {
		return nil, l, err
	}
	l.URL, l.Paths = up.URL, true
	return up, l, nil
}

// lasts returns how long each of the two runs takes: the calls are spread over
// it.
func (o options) lasts() time.Duration {
	if o.url == "" {
		return drill.Story
	}
	return min(drill.Story, time.Duration(o.calls)*20*time.Millisecond)
}

// reach tells whether a service of the user's can be called at all.
func reach(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		f := transport.FailureOf(req, nil, err)
		return fmt.Errorf("-url cannot be reached: %s: %s", f.Category, f.Message)
	}
	return resp.Body.Close()
}
