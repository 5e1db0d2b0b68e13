// Migrate shows five programs that used another library, before and after they
// moved to the kit. Each is a folder with a before.go and an after.go that do
// the same job; this program holds both against one table of behaviours, with
// the same service, and prints what stays and what changes.
//
//	go run ./examples/migrate
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"

	"github.com/safetrip-go/safetrip/examples/migrate/fromfailsafe"
	"github.com/safetrip-go/safetrip/examples/migrate/fromgobreaker"
	"github.com/safetrip-go/safetrip/examples/migrate/fromheimdall"
	"github.com/safetrip-go/safetrip/examples/migrate/fromotelhttp"
	"github.com/safetrip-go/safetrip/examples/migrate/fromretryable"
	"github.com/safetrip-go/safetrip/examples/migrate/users"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"
)

// A library is what a program used, and the program before and after.
type library struct {
	name          string
	has           part
	before, after side
}

// A side is one of the two: what makes the program's client.
type side func(url string, tp api.TracerProvider) users.Client

var libraries = []library{
	{"go-retryablehttp", 0, untraced(fromretryable.Before), untraced(fromretryable.After)},
	{"heimdall", 0, untraced(fromheimdall.Before), untraced(fromheimdall.After)},
	{"gobreaker", circuits, untraced(fromgobreaker.Before), untraced(fromgobreaker.After)},
	{"failsafe-go", circuits, untraced(fromfailsafe.Before), untraced(fromfailsafe.After)},
	{"otelhttp", spans, fromotelhttp.Before, fromotelhttp.After},
}

// untraced is a side that makes no spans.
func untraced(client func(url string) users.Client) side {
	return func(url string, _ api.TracerProvider) users.Client { return client(url) }
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		os.Exit(1)
	}
}

// run prints the table, a library at a time. They do not wait for each other.
func run(ctx context.Context, out io.Writer) error {
	tables := make([]bytes.Buffer, len(libraries))
	errs := make([]error, len(libraries))
	var all sync.WaitGroup
	for i, l := range libraries {
		all.Go(func() { errs[i] = l.compare(ctx, &tables[i]) })
	}
	all.Wait()
	for i := range tables {
		if errs[i] != nil {
			return errs[i]
		}
		fmt.Fprintf(out, "%s\n", &tables[i])
	}
	return nil
}

// compare prints what each side of a library does.
func (l library) compare(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "%-44s%-44s%s\n", l.name, "before", "after")
	for _, b := range behaviours {
		if b.only&l.has != b.only {
			continue
		}
		before, err := see(ctx, b, l.before)
		if err != nil {
			return err
		}
		after, err := see(ctx, b, l.after)
		if err != nil {
			return err
		}
		if after == before {
			after = "the same"
		}
		fmt.Fprintf(out, "  %-42s%-44s%s\n", b.does, before, after)
	}
	return nil
}

// see says what a side's caller sees. Each time, client and service are new.
func see(ctx context.Context, b behaviour, client side) (string, error) {
	s, err := serve(ctx)
	if err != nil {
		return "", err
	}
	defer s.server.Close()
	spans := tracetest.NewInMemoryExporter()
	tp := trace.NewTracerProvider(trace.WithSyncer(spans))
	defer func() { _ = tp.Shutdown(ctx) }()
	saw := b.see(ctx, &trial{client(s.URL, tp), s, spans})
	return saw, context.Cause(ctx) // of an interrupt, which is not what b is about
}
