package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// README shows what the program prints: every cell of every table is asserted
// by comparing the two. Nothing in them depends on time or chance.
func TestTheREADMEShowsWhatEachSideDoes(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```text\n")
	shown, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("README.md has no text block")
	}
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	got, want := lines(out.String()), lines(shown)
	for i := range max(len(got), len(want)) {
		if g, w := at(got, i), at(want, i); g != w {
			t.Errorf("line %d\nthe program: %s\nREADME.md:   %s", i+1, g, w)
		}
	}
}

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
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
