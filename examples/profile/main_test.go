package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestEachAnswerSaysWhereItIsFrom(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-calls", "60", "-seed", "1"}, &out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	levels := map[string]string{"cache": "full", "external_api": "full", "cache_fallback": "degraded", "default": "degraded"}
	sum, hits := 0, 0
	for source, level := range levels {
		line := regexp.MustCompile(`(?m)^ *\d+  ` + source + ` +` + level + ` +\w+`)
		lines, told := len(line.FindAllString(text, -1)), count(t, text, source)
		if lines == 0 || lines != told {
			t.Errorf("%d answers are from %s at the level %s, and the summary has %d", lines, source, level, told)
		}
		if sum += told; strings.HasPrefix(source, "cache") {
			hits += told
		}
	}
	if sum != 60 {
		t.Errorf("%d answers for 60 calls", sum)
	}
	if want := fmt.Sprintf("%3.0f %%", 100*float64(hits)/60); !strings.Contains(text, want) {
		t.Errorf("the hit rate is not the %s that the answers make", want)
	}
	if served := 60 - count(t, text, "cache"); !strings.Contains(text, fmt.Sprintf("the directory saw %d\n", served)) {
		t.Errorf("the directory did not see the %d calls that were not answered fresh", served)
	}
	if t.Failed() {
		t.Log(text)
	}
}

// count returns a figure of the summary.
func count(t *testing.T, text, source string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + source + ` +(\d+)$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("the summary has no %s:\n%s", source, text)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
