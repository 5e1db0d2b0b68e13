package main

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/safetrip-go/safetrip/examples/internal/readme"
)

// took is how long something took, at the end of a line.
var took = regexp.MustCompile(`(?m)[\d.]+ ?m?s$`)

func TestTheREADMEShowsTenOperationsAndTheReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	readme.Shows(t, out.String(), took)
}

func TestWithoutTheKitTwoOfThemWouldBeDone(t *testing.T) {
	t.Parallel()
	done := 0
	for _, op := range operations() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nobody waits for ever
		if op.do(ctx) == nil {
			done++
		}
	}
	if done != 2 {
		t.Errorf("%d are done, want 2", done)
	}
}

func TestAnInterruptIsNotWhatBecameOfAnOperation(t *testing.T) {
	t.Parallel()
	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(t.Context())
	interrupt(interrupted)
	var out bytes.Buffer
	if err := run(ctx, &out); !errors.Is(err, interrupted) || strings.Contains(out.String(), "canceled") {
		t.Errorf("it ended with %v, and printed\n%s", err, &out)
	}
}
