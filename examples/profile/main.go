// Profile shows a program that asks a user directory for profiles, cache first.
//
// The directory fails 40 % of the time. What it declared fresh is answered from
// the cache without asking; when it fails, what the cache still has stands in,
// and for users never seen a made-up profile does.
//
//	go run ./examples/profile
//	go run ./examples/profile -calls 200 -seed 2
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("profile", flag.ContinueOnError)
	calls := flags.Int("calls", 60, "how many profiles to ask for")
	seed := flags.Uint64("seed", 1, "which faults, and which users")
	if err := flags.Parse(args); err != nil {
		return err
	}
	d, err := newDirectory(ctx, *seed)
	if err != nil {
		return err
	}
	defer d.close()
	agent, err := safetrip.New("profile", config())
	if err != nil {
		return err
	}
	defer agent.Close()

	fmt.Fprintf(out, "a user directory on %s: 40 %% of calls fail, a profile is fresh for %v; seed %d\n\n", d.URL, freshFor, *seed)
	s := service{client: agent.Client(), url: d.URL, out: out}
	if err := s.ask(ctx, *calls, *seed); err != nil {
		return err
	}
	s.summary(d.calls())
	return nil
}

// config is cache first: what is fresh is not asked for again. Retries are
// left out, so that each failure is seen; and the circuit opens only when
// nearly everything fails, since 40 % is how this service is.
func config() safetrip.Config {
	return safetrip.Config{
		Cache:   &fallback.Cache{ServeFresh: true},
		Steps:   []fallback.Step{unknownUser()},
		Breaker: &transport.Breaker{Rule: transport.Ratio{Share: 0.9}},
		Timeout: transport.Timeout{Headers: time.Second},
		Logger:  quiet(),
		Disable: safetrip.Retry,
	}
}
