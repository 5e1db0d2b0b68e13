package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/safetrip-go/safetrip/examples/internal/jaeger"
)

// draw shows a trace as Jaeger has it, and says where it is.
func (d destination) draw(ctx context.Context, out io.Writer, what, id string) error {
	if id == "" {
		fmt.Fprintf(out, "no call was %s\n\n", what)
		return nil
	}
	spans, err := d.await(ctx, id)
	if err != nil {
		return fmt.Errorf("reading a trace back: %w", err)
	}
	fmt.Fprintf(out, "%s: %s\n%s\n", what, d.page(id), jaeger.Outline(spans, func(s jaeger.Span) string {
		return fmt.Sprintf("%8s  %s", s.End.Sub(s.Start).Round(10*time.Microsecond), jaeger.Facts(s))
	}))
	return nil
}

// await reads a trace that may still be on its way into Jaeger.
func (d destination) await(ctx context.Context, id string) (spans []jaeger.Span, err error) {
	for deadline := time.Now().Add(5 * time.Second); ; {
		spans, err = d.Trace(ctx, id)
		if !errors.Is(err, jaeger.ErrNotFound) || time.Now().After(deadline) {
			return spans, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
