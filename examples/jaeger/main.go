// Jaeger shows what calls look like as traces when the kit makes them.
//
// The quickstart's calls go to the quickstart's bad service, and both send
// their spans to Jaeger. Then it draws three of the traces, as Jaeger has them,
// and says where they are: a call that was retried, one that an open circuit
// refused, and one that was answered from the cache.
//
//	go run ./examples/jaeger                        # with a Jaeger of its own, if `make deps` has built one
//	go run ./examples/jaeger -otlp localhost:4318   # to a Jaeger that runs already
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

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/examples/internal/drill"
	"github.com/safetrip-go/safetrip/examples/internal/jaeger"
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
		fmt.Fprintln(stderr, "jaeger:", err)
		return 2
	}
	if err := o.show(ctx, stdout); err != nil {
		fmt.Fprintln(stderr, "jaeger:", err)
		return 1
	}
	return 0
}

// options are the program's flags.
type options struct {
	otlp  string
	query string
	seed  uint64
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("jaeger", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.otlp, "otlp", "", "send to the Jaeger that takes OTLP over HTTP at this `host:port`, and start none")
	f.StringVar(&o.query, "query", "http://localhost:16686", "the `URL` of its user interface; with -otlp")
	f.Uint64Var(&o.seed, "seed", 1, "decides which calls meet which fault")
	switch err = f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: go run ./examples/jaeger [flags]")
		f.PrintDefaults()
	case err == nil && f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, err
}

// show makes the calls and draws the traces.
func (o options) show(ctx context.Context, out io.Writer) error {
	to, closeJaeger, err := o.jaeger(ctx)
	if err != nil {
		return err
	}
	defer closeJaeger()

	seen := newFinder()
	if err := o.calls(ctx, to.otlp, seen); err != nil {
		return err
	}
	for _, want := range wanted {
		if err := to.draw(ctx, out, want.what, seen.traceOf(want.what)); err != nil {
			return err
		}
	}
	if o.otlp == "" {
		fmt.Fprintln(out, "Jaeger runs until you interrupt.")
		<-ctx.Done()
	}
	return nil
}

// calls makes the quickstart's calls, and returns when all of their spans have
// been sent.
func (o options) calls(ctx context.Context, otlp string, seen *finder) error {
	server, err := provider(ctx, otlp, "user directory")
	if err != nil {
		return err
	}
	client, err := provider(ctx, otlp, "quickstart")
	if err != nil {
		return errors.Join(err, flush(ctx, server))
	}
	client.RegisterSpanProcessor(seen)

	up, err := drill.NewUpstream(ctx, o.seed, func(h http.Handler) http.Handler {
		return otelhttp.NewHandler(h, "", otelhttp.WithTracerProvider(server), otelhttp.WithPropagators(propagator))
	})
	if err != nil {
		return errors.Join(err, flush(ctx, client, server))
	}
	const patience = 2 * time.Second
	cfg := drill.Config(patience, func(transport.Change) {})
	cfg.Call.TracerProvider, cfg.Attempt.TracerProvider, cfg.Attempt.Propagator = client, client, propagator
	agent, err := safetrip.New("quickstart", cfg)
	if err == nil {
		const calls = 450
		load := drill.Load{URL: up.URL, Paths: true, Calls: calls, Concurrency: 32, Gap: drill.Story / calls, Seed: o.seed}
		up.Start()
		load.Run(ctx, &http.Client{Timeout: patience, Transport: agent.Transport()}, func(drill.End) {})
		err = agent.Close()
	}
	up.Close()
	return errors.Join(err, flush(ctx, client, server))
}

// A destination is the Jaeger that is sent to and read from.
type destination struct {
	jaeger.Client
	otlp string                 // host:port
	page func(id string) string // where a person, or a program, finds a trace
}

// jaeger returns the one that runs, or starts one.
func (o options) jaeger(ctx context.Context) (to destination, stop func(), err error) {
	if o.otlp != "" {
		c := jaeger.Client{URL: o.query}
		return destination{c, o.otlp, func(id string) string { return o.query + "/trace/" + id }}, func() {}, nil
	}
	path := jaeger.Find()
	if path == "" {
		return to, nil, errors.New("there is no Jaeger on the PATH or in JAEGER; `make deps` builds one, -otlp names one that runs")
	}
	// Not ended by an interrupt: the spans of the last calls are still to come.
	s, err := jaeger.Start(context.WithoutCancel(ctx), path)
	if err != nil {
		return to, nil, err
	}
	return destination{s.Client, s.OTLP, s.TraceURL}, s.Close, nil
}
