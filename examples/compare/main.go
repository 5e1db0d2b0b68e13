// Command compare measures safetrip beside what a program would use instead.
//
//	go run ./examples/compare            all of it, in less than five minutes
//	go run ./examples/compare -quick     the same, coarser, in less than one
//	go run ./examples/compare -o DIR     writes compare.txt, compare.md and the pictures there
//
// All contenders of a workload are measured in turn, round by round, so that
// what else the machine does meets all of them; figures are medians of rounds,
// and ratios and differences are taken within a round.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	if played, err := playPart(); played {
		exit(err)
	}
	quick := flag.Bool("quick", false, "measure for a shorter time")
	dir := flag.String("o", "", "write tables and pictures to this `folder`")
	only := flag.String("only", "", "run these workloads alone, a comma between them: "+strings.Join(names(), ", "))
	flag.Parse()
	o := thorough
	if *quick {
		o = quickly
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	exit(compare(o, *dir))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options is how much is measured.
type options struct {
	pace           pace
	loopbackRounds int
	atOnce         int // calls over loopback
	flakyCalls     int
	circuits       int
	inflight       int
	entries        int  // of a cache that is weighed
	keys           int  // the most of them
	scaleEntries   int  // the most of them
	processes      int  // contenders at most, where each takes a process of its own
	memoryRules    bool // only those rules of the contract that need no connection
	only           []string
}

var thorough = options{
	pace: pace{7, 25 * time.Millisecond}, loopbackRounds: 20, atOnce: 64, processes: 100, flakyCalls: 50, circuits: 10_000, inflight: 1000,
	entries: 10_000, keys: 100_000, scaleEntries: 1_000_000,
}

var quickly = options{
	pace: pace{6, 5 * time.Millisecond}, loopbackRounds: 6, atOnce: 64, processes: 100, flakyCalls: 10, circuits: 2000, inflight: 1000,
	entries: 2000, keys: 10_000, scaleEntries: 10_000, memoryRules: true,
}

// A workload is something that contenders are measured at.
type workload struct {
	name string
	run  func(options, *report) error
}

// workloads are in the order of the report. What leaves goroutines or garbage
// behind comes last, or is isolated.
var workloads = []workload{
	{"overhead", overhead},
	{"flaky", flaky},
	{"rejection", rejection},
	{"loopback", loopback},
	{"circuits", circuits},
	{"inflight", inflight},
	{"cache", caching},
	{"spans", spans},
	{"health", probing},
	{"scale", scale},
	{"contract", contract},
}

func names() []string {
	var all []string
	for _, w := range workloads {
		all = append(all, w.name)
	}
	return all
}

func compare(o options, dir string) error {
	r := report{progress: os.Stderr}
	for _, name := range o.only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("there is no workload %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	began := time.Now()
	for _, w := range workloads {
		if len(o.only) > 0 && !slices.Contains(o.only, w.name) {
			continue
		}
		if err := w.run(o, &r); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	fmt.Print(preamble(time.Since(began)))
	r.text(os.Stdout)
	if dir == "" {
		return nil
	}
	return r.write(dir, time.Since(began))
}
