package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// bench runs the benchmarks of every module and keeps what they print in bench.out, for benchstat.
func (h *house) bench() (string, error) {
	args := []string{
		"go", "test", "-run=^$", "-bench=" + cmp.Or(os.Getenv("BENCH"), "."), "-benchmem",
		"-count=" + cmp.Or(os.Getenv("COUNT"), "1"), "./...",
	}
	file := filepath.Join(h.root, "bench.out")
	out, err := os.Create(file)
	if err != nil {
		return "", err
	}
	defer out.Close()
	err = h.each(func(m module) error {
		h.say(m, args)
		cmd := h.command(m, args...)
		cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, out), os.Stdout
		return cmd.Run()
	})
	if err != nil {
		return "", err
	}
	old := os.Getenv("OLD")
	if old == "" {
		return "kept in bench.out", nil
	}
	bin, err := h.linter(benchstat)
	if err != nil {
		return "", err
	}
	return "kept in bench.out", h.show(h.modules[0], bin, old, file)
}

// fuzz runs each fuzz target of every module for a while. Their seeds run in the ordinary tests already.
func (h *house) fuzz() (string, error) {
	fuzztime := cmp.Or(os.Getenv("FUZZTIME"), "1m")
	total := 0
	err := h.each(func(m module) error {
		out, err := h.output(m, "go", "test", "-list=^Fuzz", "./...")
		if err != nil {
			return err
		}
		var errs []error
		for _, t := range fuzzTargets(string(out)) {
			total++
			errs = append(errs, h.show(m, "go", "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+fuzztime, t.pkg))
		}
		return errors.Join(errs...)
	})
	return fmt.Sprintf("%d targets, %s each", total, fuzztime), err
}

type fuzzTarget struct{ pkg, name string }

// fuzzTargets reads what go test -list prints: names, then the line of the package they are in.
func fuzzTargets(list string) []fuzzTarget {
	var targets []fuzzTarget
	var names []string
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && strings.HasPrefix(f[0], "Fuzz"):
			names = append(names, f[0])
		case len(f) > 1 && f[0] == "ok":
			for _, name := range names {
				targets = append(targets, fuzzTarget{f[1], name})
			}
			names = nil
		}
	}
	return targets
}

// soak makes the storm that the ordinary tests make, much longer.
func (h *house) soak() (string, error) {
	race, err := h.race()
	if err != nil {
		return "", err
	}
	calls := cmp.Or(os.Getenv("CALLS"), "200000")
	args := []string{"go", "test", "-run=^TestSoak$", "-v", "-timeout=3h"}
	if race != "" {
		args = append(args, race)
	}
	args = append(args, "./internal/torture", "-soak="+calls, "-soakseed="+cmp.Or(os.Getenv("SEED"), "0"))
	return calls + " calls, " + raceNote(race), h.show(h.modules[0], args...)
}

// cover says which share of the root module's statements its tests reach, whichever package the test stands in.
func (h *house) cover() (string, error) {
	profile := filepath.Join(h.root, "cover.out")
	root := h.modules[0]
	if err := h.show(root, "go", "test", "-coverpkg=./...", "-coverprofile="+profile, "./..."); err != nil {
		return "", err
	}
	out, err := h.output(root, "go", "tool", "cover", "-func="+profile)
	if err != nil {
		return "", err
	}
	os.Stdout.Write(out)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	total := strings.Fields(lines[len(lines)-1])
	return total[len(total)-1] + " of statements; go tool cover -html=cover.out shows them", nil
}
