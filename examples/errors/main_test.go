package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/safetrip-go/safetrip/examples/internal/readme"
)

func TestTheREADMEShowsEveryVerdictAndWhatWasCounted(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	readme.Shows(t, out.String())
}

func TestAnInterruptIsNotAVerdict(t *testing.T) {
	t.Parallel()
	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(t.Context())
	interrupt(interrupted)
	var out bytes.Buffer
	if err := run(ctx, &out); !errors.Is(err, interrupted) || out.Len() > 0 {
		t.Errorf("it ended with %v, and printed\n%s", err, &out)
	}
}
