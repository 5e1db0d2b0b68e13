package main

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// twoProbes is a line for the first probe before the circuit closes at the
// second one.
var twoProbes = regexp.MustCompile(`payment: open → half-open\n.* payment ok .*\n.*payment: half-open → closed\n`)

func TestOneCircuitOpensAndRecoversAndTheOthersStayClosed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	// In this order, whatever the machine's clock does in between.
	story := []string{
		"payment ok", "payment failed", "payment: closed → open", "payment refused",
		"payment: open → half-open", "payment: half-open → closed", "payment ok",
	}
	rest := text
	for _, want := range story {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("the story has no %q where it should:\n%s", want, text)
		}
		rest = after
	}
	if !twoProbes.MatchString(text) {
		t.Errorf("the circuit did not close at the second good probe:\n%s", text)
	}
	for _, name := range []string{"user", "notification"} {
		if strings.Contains(text, name+" failed") || strings.Contains(text, name+" refused") || strings.Contains(text, name+":") {
			t.Errorf("%s was touched by what happened to payment:\n%s", name, text)
		}
	}
	user, payment, notification := summaryOf(t, text, "user"), summaryOf(t, text, "payment"), summaryOf(t, text, "notification")
	if user != (figures{saw: user.saw}) || notification != user {
		t.Errorf("user %+v, notification %+v; want the same calls and nothing refused:\n%s", user, notification, text)
	}
	if payment.refused == 0 || payment.refused+payment.saw != user.saw {
		t.Errorf("payment %+v; want the %d calls refused or seen:\n%s", payment, user.saw, text)
	}
}

// figures are a row of the summary.
type figures struct{ refused, saw int }

func summaryOf(t *testing.T, text, name string) (f figures) {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` +closed +refused +(\d+)   the service saw (\d+) calls$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("the summary has no closed circuit of %s:\n%s", name, text)
	}
	f.refused, _ = strconv.Atoi(m[1])
	f.saw, _ = strconv.Atoi(m[2])
	return f
}

func TestAnInterruptEndsItAtOnce(t *testing.T) {
	t.Parallel()
	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(t.Context())
	interrupt(interrupted)
	var out bytes.Buffer
	if err := run(ctx, &out); !errors.Is(err, interrupted) || strings.Contains(out.String(), "lost") {
		t.Errorf("it ended with %v, and printed\n%s", err, &out)
	}
}
