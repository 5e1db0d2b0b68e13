// Profile shows a program that asks a user directory for profiles, cache first.
//
// The directory fails 40 % of the time. What it declared fresh is answered from
// the cache without asking; when it fails, what the cache still has stands in,
// and for users never seen a made-up profile does.
//
//	go run ./examples/profile
//	go run ./examples/profile -calls 200 -seed 3
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

func main() {
	calls := flag.Int("calls", 60, "how many profiles to ask for")
	seed := flag.Uint64("seed", 2, "which faults, and which users")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *calls, *seed, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, calls int, seed uint64, out io.Writer) error {
	if calls < 1 {
		return fmt.Errorf("-calls is %d; it must be above 0", calls)
	}
	up, err := newDirectory(ctx, seed)
	if err != nil {
		return err
	}
	defer up.close()
	agent, err := safetrip.New("profile", config())
	if err != nil {
		return err
	}
	defer agent.Close()

	fmt.Fprintf(out, "a user directory on %s: 40 %% of calls fail, a profile is fresh for %v; seed %d\n\n", up.URL, freshFor, seed)
	d := &display{out: out, counts: make(map[string]int)}
	s := service{client: agent.Client(), url: up.URL}
	random := rand.New(rand.NewPCG(seed, 0))
	for range calls {
		id := 1 + min(random.IntN(len(names)), random.IntN(len(names))) // some are asked for more often than others
		p, from, err := s.load(ctx, id)
		if err != nil {
			return err
		}
		d.show(p, from)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	d.summary(up.calls())
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
		Logger:  slog.New(slog.DiscardHandler), // each failure is on the screen
		Disable: safetrip.Retry,
	}
}
