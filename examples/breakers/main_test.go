package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

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
	for _, name := range []string{"user", "notification"} {
		if strings.Contains(text, name+" failed") || strings.Contains(text, name+" refused") || strings.Contains(text, name+":") {
			t.Errorf("%s was touched by what happened to payment:\n%s", name, text)
		}
		if !regexp.MustCompile(`(?m)^` + name + ` +closed +refused  0 `).MatchString(text) {
			t.Errorf("the summary has no closed circuit of %s:\n%s", name, text)
		}
	}
}
