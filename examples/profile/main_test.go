package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// answers has the table's rows: number, source, level and name.
var answers = regexp.MustCompile(`(?m)^ *(\d+)  (\S+) +(\S+) +(\S.*)$`)

func TestEachAnswerSaysWhereItIsFrom(t *testing.T) {
	t.Parallel()
	const calls = 60
	var out bytes.Buffer
	if err := run(t.Context(), calls, 2, &out); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	levels := map[string]string{"cache": "full", "external_api": "full", "cache_fallback": "degraded", "default": "degraded"}
	counts, known := make(map[string]int), make(map[string]bool)
	rows := answers.FindAllStringSubmatch(out.String(), -1)
	if len(rows) != calls {
		t.Errorf("%d answers for %d calls", len(rows), calls)
	}
	for i, row := range rows {
		number, source, level, name := row[1], row[2], row[3], row[4]
		if number != strconv.Itoa(i+1) || level != levels[source] {
			t.Errorf("answer %d is %q", i+1, row[0])
		}
		if madeUp := source == "default"; madeUp != (name == "unknown user") {
			t.Errorf("answer %s is from %s, and is of %s", number, source, name)
		}
		if fromCache := strings.HasPrefix(source, "cache"); fromCache && !known[name] {
			t.Errorf("answer %s is from the cache, and %s was not there before", number, name)
		}
		counts[source]++
		known[name] = true
	}
	_, summary, _ := strings.Cut(out.String(), rows[len(rows)-1][0])
	for source := range levels {
		if counts[source] == 0 || !strings.Contains(summary, fmt.Sprintf("\n%-14s  %3d\n", source, counts[source])) {
			t.Errorf("%d answers are from %s, and the summary says otherwise", counts[source], source)
		}
	}
	hits := counts["cache"] + counts["cache_fallback"]
	last := fmt.Sprintf("\nhit rate        %3.0f %%  of %d calls; the directory saw %d\n", 100*float64(hits)/calls, calls, calls-counts["cache"])
	if !strings.HasSuffix(summary, last) {
		t.Errorf("the summary does not end with %q", last)
	}
}

// Whether a profile is fresh is the clock's; whether the directory fails is not.
func TestTheSeedDecidesWhichCallsFail(t *testing.T) {
	t.Parallel()
	faults := func(seed uint64) (all string, share float64) {
		d, err := newDirectory(t.Context(), seed)
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		const calls = 1200
		var failed int
		for i := range calls {
			if d.fails(1 + i%len(names)) {
				failed++
				all += strconv.Itoa(i) + " "
			}
		}
		return all, float64(failed) / calls
	}
	first, share := faults(1)
	if share < 0.36 || share > 0.44 {
		t.Errorf("%.0f %% of calls fail, want 40 %%", 100*share)
	}
	if again, _ := faults(1); again != first {
		t.Error("two directories of one seed fail at different calls")
	}
	if other, _ := faults(2); other == first {
		t.Error("another seed fails at the same calls")
	}
}

func TestNoCallsHaveNoHitRate(t *testing.T) {
	t.Parallel()
	for _, calls := range []int{0, -1} {
		var out bytes.Buffer
		if err := run(t.Context(), calls, 1, &out); err == nil || !strings.Contains(err.Error(), "-calls") || out.Len() > 0 {
			t.Errorf("-calls %d: the error is %v, and it printed %q", calls, err, &out)
		}
	}
}
