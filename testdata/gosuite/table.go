package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// A table compares what the tests say in each chain with what they say in none.
type table struct {
	expected exceptions
	rows     []*row
}

// A row is how the tests of a package went in a chain.
type row struct {
	*program
	chain    string
	bare, in results // without the kit, and in the chain
}

// run runs a package's tests bare and then in each chain, two chains at a
// time: the tests spend most of theirs waiting.
func (t *table) run(ctx context.Context, p *program, chains []string) error {
	first := &row{program: p, chain: bare}
	t.rows = append(t.rows, first)
	if err := first.run(ctx, t.expected); err != nil {
		return err
	}
	failed := make([]error, len(chains))
	var wg sync.WaitGroup
	places := make(chan struct{}, 2)
	for i, chain := range chains {
		r := &row{program: p, chain: chain, bare: first.in}
		t.rows = append(t.rows, r)
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			failed[i] = r.run(ctx, t.expected)
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

func (r *row) run(ctx context.Context, expected exceptions) (err error) {
	// Those that are known to differ may hang, so they are run on their own.
	known := slices.Concat(expected.of(r.chain, always), expected.of(r.chain, sometimes))
	if r.in, err = r.suite(ctx, r.chain, known); err != nil {
		return err
	}
	if r.chain == bare {
		r.bare = r.in
	}
	for kind, times := range map[string]int{always: 1, sometimes: 4} {
		if *short { // most of them hang until they are ended, and a test whose parts are all skipped passes
			break
		}
		names := slices.DeleteFunc(expected.of(r.chain, kind), func(name string) bool { return r.bare[name] == nil }) // of the other package
		if err := r.again(ctx, names, times, 6*time.Second); err != nil {
			return err
		}
	}
	// A test can fail for want of luck. What fails for a reason does so again
	// and again.
	var suspects []string
	for name, o := range r.in {
		if (o.ended == "fail" || r.differs(name)) && !slices.Contains(known, name) {
			suspects = append(suspects, name)
		}
	}
	return r.again(ctx, suspects, 4, 15*time.Second)
}

// again runs tests on their own, some at once, each until it ends as it does
// bare, or so many times.
func (r *row) again(ctx context.Context, names []string, times int, patience time.Duration) error {
	var mu sync.Mutex // guards r.in and failed
	var failed error
	var wg sync.WaitGroup
	places := make(chan struct{}, 4)
	for _, name := range names {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			for range times {
				o, err := r.single(ctx, r.chain, name, patience)
				mu.Lock()
				if err == nil {
					r.in[name] = o
				} else {
					failed = err
				}
				done := err != nil || o.ended != "fail" && !r.differs(name)
				mu.Unlock()
				if done {
					return
				}
			}
		})
	}
	wg.Wait()
	return failed
}

func (r *row) differs(name string) bool { return r.in[name].ended != r.bare[name].ended }

// count returns how many tests ended so.
func (r *row) count(ended string) (n int) {
	for _, o := range r.in {
		if o.ended == ended {
			n++
		}
	}
	return n
}

// list returns the names of the tests that differ, and of those that should
// and do not. A test that the exceptions do not foresee is a surprise.
func (r *row) list(expected exceptions) (names []string, surprised bool) {
	for _, name := range slices.Sorted(maps.Keys(r.in)) {
		kind := expected.kind(r.chain, name)
		switch {
		case r.differs(name) && kind == "":
			names = append(names, name+" NOT EXPECTED")
			surprised = true
		case r.differs(name):
			names = append(names, name)
		case kind == always:
			names = append(names, name+" DOES NOT DIFFER, but is listed")
			surprised = true
		}
	}
	return names, surprised
}

// print writes the table, and reports whether there is no surprise in it.
func (t *table) print(out io.Writer, verbose bool) bool {
	asExpected := true
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "package\tchain\tpassed\tfailed\tskipped\tdiffer from bare")
	for _, r := range t.rows {
		names, surprised := r.list(t.expected)
		asExpected = asExpected && !surprised
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\n", r.pkg, r.chain, r.count("pass"), r.count("fail"), r.count("skip"), len(names))
	}
	w.Flush()
	for _, r := range t.rows {
		if names, _ := r.list(t.expected); len(names) > 0 {
			fmt.Fprintf(out, "\n%s in the chain %s:\n\t%s\n", r.pkg, r.chain, strings.Join(names, "\n\t"))
		}
	}
	if verbose {
		t.printSaid(out)
	}
	return asExpected
}

// printSaid writes what the tests said that failed or differ.
func (t *table) printSaid(out io.Writer) {
	for _, r := range t.rows {
		for _, name := range slices.Sorted(maps.Keys(r.in)) {
			if o := r.in[name]; o.ended == "fail" || r.differs(name) {
				fmt.Fprintf(out, "\n=== %s in the chain %s: %s: %s, bare %s\n%s", r.pkg, r.chain, name, o.ended, r.bare[name].ended, strings.Join(o.said, ""))
			}
		}
	}
}
