package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/safetrip-go/safetrip/examples/internal/readme"
	"github.com/safetrip-go/safetrip/examples/migrate/users"
)

// Nothing in the tables depends on time or chance, so each cell of them is asserted.
func TestTheREADMEShowsWhatEachSideDoes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	readme.Shows(t, out.String())
}

// A migration is only worth its name if what went well goes well afterwards.
func TestWhatWentWellStillDoes(t *testing.T) {
	t.Parallel()
	for _, l := range libraries {
		for _, b := range behaviours[:2] { // reads
			before, err := see(t.Context(), b, l.before)
			if err != nil {
				t.Fatal(err)
			}
			after, err := see(t.Context(), b, l.after)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(before, "Ada") && after != before {
				t.Errorf("%s: %s: was %q and is %q", l.name, b.does, before, after)
			}
		}
	}
}

func TestAnInterruptEndsItAndNothingFalseIsPrinted(t *testing.T) {
	t.Parallel()
	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(t.Context())
	interrupt(interrupted)
	var out bytes.Buffer
	if err := run(ctx, &out); !errors.Is(err, interrupted) || out.Len() > 0 {
		t.Errorf("it ended with %v, and printed %q", err, &out)
	}
}

// The bubble fails the test if a goroutine is still there when it ends.
func TestACallThatIsRefusedLeavesNobodyWaiting(t *testing.T) {
	t.Parallel()
	refuse := func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }
	synctest.Test(t, func(t *testing.T) {
		afterCancels(t.Context(), &trial{users.Client{Do: refuse}, &service{waits: make(chan struct{})}, nil})
	})
}
