// Llm shows the kit under the clients of three LLM services: Google's genai,
// openai-go and anthropic-sdk-go, as their makers publish them. A service that
// speaks all three wire formats throttles them, is overloaded, cuts its answers
// and its streams. Each client meets the same trouble twice: as it comes, and
// with nothing changed but its http.Client and its own retries, which are off.
//
//	go run ./examples/llm
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
)

func main() {
	// genai prints the end of a broken stream on the standard logger; here it
	// stands in the table.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "llm:", err)
		os.Exit(1)
	}
}

// run is the program: it makes all calls, and then prints what came of them.
// The three clients have a service each, and do not wait for each other.
func run(ctx context.Context, out io.Writer) error {
	results := make([]result, len(sdks))
	errs := make([]error, len(sdks))
	var all sync.WaitGroup
	for i, s := range sdks {
		all.Go(func() { results[i], errs[i] = s.tryAll(ctx) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	report(out, results)
	return nil
}
