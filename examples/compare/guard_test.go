package main

import (
	"encoding/json"
	"flag"
	"maps"
	"math"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "keep what is measured as testdata/baseline.json")

const baselineFile = "testdata/baseline.json"

// A price is what a call costs as nothing but the code decides: allocations on
// top of the bare base's, and how often its time goes into that of a bare call
// measured beside it. Times themselves are the machine's.
type price struct {
	Allocs float64 `json:"allocs"`
	Ratio  float64 `json:"ratio"`
}

// guarded are the costs that a change must not raise without anybody noticing.
func guarded(t *testing.T) map[string][2]lane {
	t.Helper()
	plain := func(send sender) lane { return lane{"bare", func() func() error { return richGetter(send) }} }
	all := map[string][2]lane{}
	add := func(name string, send sender, call caller) {
		all[name] = [2]lane{
			{"bare", func() func() error { return call(stub) }},
			{name, func() func() error { return call(send) }},
		}
	}
	for _, c := range []contender{kitRetry, kitBreaker, kitChain, kitTimed, kitAgent} {
		add("GET, "+c.name, c.send(sender(stub), setting{}), richGetter)
		add("POST, "+c.name, c.send(sender(stub), setting{}), poster("http://api.example.com/users", 1<<10))
	}
	for _, l := range listeners() {
		add("spans, "+l.name, l.kit(sender(stub)).RoundTrip, richGetter)
	}
	for _, c := range []contender{kitRetry, kitChain} {
		send := c.send(twiceBusy(), setting{hasty: true})
		all["503-503-200, "+c.name] = [2]lane{plain(thrice(twiceBusy())), plain(send)}
	}
	open, err := opened(kitBreaker)
	if err != nil {
		t.Fatal(err)
	}
	all["rejection, "+kitBreaker.name] = [2]lane{
		plain(stub),
		{"", func() func() error { return refused(open) }},
	}
	get, put := kitCache.open(make([]byte, bodySize))
	if err := put(0); err != nil {
		t.Fatal(err)
	}
	all["hit, "+kitCache.name] = [2]lane{plain(stub), {"", func() func() error { return func() error { return get(0) } }}}
	return all
}

// TestNothingGotMuchDearer compares what calls cost with what they did when
// the baseline was kept: allocations exactly, times as ratios to a bare call of
// the same moment, and these only when they have doubled, three times over.
// After a change that is worth its price: go test -run Dearer -update.
func TestNothingGotMuchDearer(t *testing.T) {
	if raceEnabled {
		withoutRace(t)
		return
	}
	kept := map[string]price{}
	if text, err := os.ReadFile(baselineFile); err != nil && !*update {
		t.Fatal(err)
	} else if err == nil {
		if err := json.Unmarshal(text, &kept); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]price{}
	all := guarded(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			lanes := all[name]
			got := price{moreAllocs(t, lanes), ratio(t, lanes)}
			found[name] = price{got.Allocs, math.Round(100*got.Ratio) / 100}
			want, ok := kept[name]
			if *update {
				return
			}
			if !ok {
				t.Fatalf("not in %s: go test -run Dearer -update", baselineFile)
			}
			for range 2 {
				if got.Ratio <= 2*want.Ratio {
					break
				}
				got.Ratio = min(got.Ratio, ratio(t, lanes))
			}
			t.Logf("%v allocations (kept: %v), %.2f times a bare call (kept: %.2f)", got.Allocs, want.Allocs, got.Ratio, want.Ratio)
			if got.Allocs > want.Allocs {
				t.Errorf("%v allocations more than a bare call, %v when the baseline was kept", got.Allocs, want.Allocs)
			}
			if got.Ratio > 2*want.Ratio {
				t.Errorf("%.2f times a bare call, %.2f when the baseline was kept", got.Ratio, want.Ratio)
			}
		})
	}
	if *update {
		text, err := json.MarshalIndent(found, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(baselineFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name := range kept {
		if _, ok := all[name]; !ok && !*update {
			t.Errorf("%s has %q, which is not measured any more", baselineFile, name)
		}
	}
}

// withoutRace runs this test once more in a program without the race detector,
// which changes both times and allocations.
func withoutRace(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-run=^"+t.Name()+"$", ".").CombinedOutput()
	if err != nil {
		t.Errorf("without -race: %v\n%s", err, out)
	}
}

// moreAllocs is the allocations of the second lane beyond those of the first.
func moreAllocs(t *testing.T, lanes [2]lane) float64 {
	t.Helper()
	var n [2]float64
	for i, l := range lanes {
		call := l.start()
		n[i] = testing.AllocsPerRun(1000, func() {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		})
	}
	return n[1] - n[0]
}

// ratio is the median of how much longer the second lane takes.
func ratio(t *testing.T, lanes [2]lane) float64 {
	t.Helper()
	runs, err := race(pace{7, 5 * time.Millisecond}, 1, lanes[:]...)
	if err != nil {
		t.Fatal(err)
	}
	return runs[1].times(runs[0], sample.ns).median
}
