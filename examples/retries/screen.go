package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// tell makes a call, and prints what its Trip knows of it.
func tell(ctx context.Context, out io.Writer, get func(context.Context) (string, error)) error {
	ctx, trip := transport.NewTrip(ctx)
	body, err := get(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i, a := range trip.Attempts() {
		fmt.Fprintf(out, "  attempt %d after a wait of %-6v %d\n", i+1, a.Wait.Round(time.Millisecond), a.Status)
	}
	end := "answered: " + body
	if err != nil {
		end = fmt.Sprintf("gave up: %s", trip.GaveUp())
	}
	fmt.Fprintf(out, "  %s\n", end)
	return nil
}

// logger prints the moments that Retry logs, without what changes from run to
// run.
func logger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.LevelKey, slog.MessageKey, "operation", "attempt", "attempts", "reason":
				return a
			}
			return slog.Attr{}
		},
	}))
}
