package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/safetrip-go/safetrip/examples/internal/readme"
)

// Waits are as long as the policy says, attempts as the service's script: the
// output is the same in every run.
func TestTheREADMEShowsTheTwoPolicies(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), 0.05, &out); err != nil {
		t.Fatal(err)
	}
	readme.Shows(t, out.String())
}

func TestAScaleOutOfItsBounds(t *testing.T) {
	t.Parallel()
	for _, scale := range []float64{0, -1, 1e-12, 2, math.NaN(), math.Inf(1)} {
		if err := run(t.Context(), scale, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "-scale") {
			t.Errorf("-scale %v: the error is %v", scale, err)
		}
	}
}

func TestAnInterruptEndsItAndNothingFalseIsPrinted(t *testing.T) {
	t.Parallel()
	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(t.Context())
	interrupt(interrupted)
	var out bytes.Buffer
	if err := run(ctx, 1, &out); !errors.Is(err, interrupted) || strings.Contains(out.String(), "gave up: ") {
		t.Errorf("it ended with %v, and printed\n%s", err, &out)
	}
}
