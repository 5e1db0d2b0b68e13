// Errors shows the one taxonomy by which the kit judges whatever goes wrong:
// each kind of failure is provoked for real, on a socket or by work that is not
// HTTP, and its verdict is printed.
//
//	go run ./examples/errors
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "errors:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	up := newUpstream()
	defer up.close()
	logged := new(counter)
	agent, err := safetrip.New("errors", config(slog.New(logged)))
	if err != nil {
		return err
	}
	defer agent.Close()

	if err := table(ctx, out, cases(agent, up)); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nerror_statistics")
	statistics := agent.Report().Errors
	for _, key := range slices.Sorted(maps.Keys(statistics)) {
		fmt.Fprintf(out, "  %-24s %d\n", key, statistics[key])
	}
	fmt.Fprintf(out, "\n%d lines of the log at the level warn or above\n", logged.lines())
	return nil
}

// table provokes each failure, and prints the verdict on it.
func table(ctx context.Context, out io.Writer, all []failure) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what goes wrong\tcategory\tseverity\trecoverable\tretryable\tfor a circuit")
	for _, f := range all {
		v, wrong := f.provoke(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !wrong:
			return fmt.Errorf("%s: nothing went wrong", f.name)
		}
		fmt.Fprintf(t, "%s\t%v\t%v\t%s\t%s\t%v\n", f.name, v.Category, v.Severity, yesNo(v.Recoverable), yesNo(v.Retryable), v.Outcome)
	}
	return t.Flush()
}

// config leaves out what would answer, try again or refuse, so that each
// failure is seen as it is. Two of the services are there to refuse.
func config(log *slog.Logger) safetrip.Config {
	bare := safetrip.Retry | safetrip.Breaker | safetrip.Fallback
	return safetrip.Config{
		Buffer:  new(transport.Buffer), // so that a cut body is a failure of the call
		Logger:  log,
		Disable: bare,
		Services: map[string]safetrip.Config{
			"down":   {Breaker: &transport.Breaker{FailureThreshold: 1}, Disable: safetrip.Retry | safetrip.Fallback},
			"full":   {Limit: transport.Limit{Concurrency: 1, Queue: -1}, Disable: bare},
			"silent": {Timeout: transport.Timeout{Headers: 200 * time.Millisecond}, Disable: bare},
			"work":   {Disable: bare},
		},
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
