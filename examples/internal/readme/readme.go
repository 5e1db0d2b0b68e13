// Package readme holds programs to the output that their READMEs show.
package readme

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Shows fails the test if output is not what the README of the current folder
// shows in its first block of text. What differs from run to run is not
// compared: what varies matches.
func Shows(t *testing.T, output string, varies ...*regexp.Regexp) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```text\n")
	block, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("README.md has no block of text")
	}
	for _, v := range varies {
		output, block = v.ReplaceAllString(output, "…"), v.ReplaceAllString(block, "…")
	}
	got, want := lines(output), lines(block)
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
