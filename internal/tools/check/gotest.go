package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// test runs the tests of every module, in the workspace.
func (h *house) test() (string, error) {
	race, err := h.race()
	if err != nil {
		return "", err
	}
	var sum counts
	err = h.each(func(m module) error { return h.goTest(m, &sum, race, "./...") })
	return fmt.Sprintf("%s in %d modules, %s", sum, len(h.modules), raceNote(race)), err
}

// testAlone runs the root's tests as those see it who import it: with its own go.mod and no workspace.
func (h *house) testAlone() (string, error) {
	race, err := h.race()
	if err != nil {
		return "", err
	}
	var sum counts
	err = h.goTest(module{dir: ".", alone: true}, &sum, race, "./...")
	return fmt.Sprintf("%s, %s", sum, raceNote(race)), err
}

// race returns "-race", or "" and a line that says why not. The race detector links C code everywhere but on macOS.
func (h *house) race() (string, error) {
	out, err := h.output(h.modules[0], "go", "env", "GOOS", "CC")
	if err != nil {
		return "", err
	}
	goos, cc, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if goos == "darwin" {
		return "-race", nil
	}
	if f := strings.Fields(cc); len(f) > 0 {
		if _, err := exec.LookPath(f[0]); err == nil && os.Getenv("CGO_ENABLED") != "0" {
			return "-race", nil
		}
	}
	why := "no C compiler (" + cc + ") or CGO_ENABLED=0: the race detector needs one"
	if h.ci {
		return "", errors.New(why)
	}
	fmt.Println("   without -race:", why)
	return "", nil
}

func raceNote(race string) string {
	if race == "" {
		return "without -race: no C compiler"
	}
	return "with -race"
}

// goTest runs go test on packages of a module and adds to sum. What it prints is go test's own output without the
// chatter of tests that pass, with a count on each package's line and a line for each test that skips.
// With CI=true or V=1 there is a line for each test that passes, too.
func (h *house) goTest(m module, sum *counts, race string, args ...string) error {
	cmdline := []string{"go", "test", "-shuffle=on", "-timeout=20m"}
	if race != "" {
		cmdline = append(cmdline, race)
	}
	h.say(m, append(slices.Clone(cmdline), args...))
	cmdline = append(append(cmdline, "-json"), args...)
	cmd := h.command(m, append(slices.Clone(h.env), cmdline...)...)
	cmd.Stderr = os.Stdout
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	r := reader{out: os.Stdout, verbose: h.ci || os.Getenv("V") == "1", seen: map[string]*pkg{}}
	r.read(stdout)
	sum.add(r.sum)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", m.dir, err)
	}
	return nil
}

// counts are of tests, subtests, examples and fuzz targets.
type counts struct{ passed, skipped, failed int }

func (c *counts) add(d counts) {
	c.passed += d.passed
	c.skipped += d.skipped
	c.failed += d.failed
}

func (c counts) String() string {
	s := fmt.Sprintf("%d passed", c.passed)
	if c.skipped > 0 {
		s += fmt.Sprintf(", %d skipped", c.skipped)
	}
	if c.failed > 0 {
		s += fmt.Sprintf(", %d failed", c.failed)
	}
	return s
}

// A reader turns the events of go test -json into what a person wants to read.
type reader struct {
	out     io.Writer
	verbose bool
	seen    map[string]*pkg
	sum     counts
}

// A pkg is a package whose tests are running: what each of them printed so far.
type pkg struct {
	counts
	lines map[string][]string // by test; "" is the package's own
}

type event struct {
	Action, Package, Test, Output string
}

func (r *reader) read(events io.Reader) {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if err != nil {
			return
		}
	}
}

func (r *reader) line(line []byte) {
	var e event
	if !bytes.HasPrefix(line, []byte("{")) || json.Unmarshal(line, &e) != nil {
		fmt.Fprintf(r.out, "%s", line)
		return
	}
	if e.Action == "build-output" {
		fmt.Fprint(r.out, e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := r.seen[e.Package]
	if p == nil {
		p = &pkg{lines: map[string][]string{}}
		r.seen[e.Package] = p
	}
	switch e.Action {
	case "output":
		r.output(p, e)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(p, e)
		} else {
			r.endTest(p, e)
		}
	}
}

func (r *reader) output(p *pkg, e event) {
	if strings.HasPrefix(e.Output, "=== ") {
		return
	}
	if r.verbose && strings.HasPrefix(strings.TrimSpace(e.Output), "--- PASS") {
		fmt.Fprint(r.out, e.Output)
	}
	p.lines[e.Test] = append(p.lines[e.Test], e.Output)
}

func (r *reader) endTest(p *pkg, e event) {
	switch e.Action {
	case "pass":
		p.passed++
	case "skip":
		p.skipped++
		fmt.Fprintf(r.out, "SKIP\t%s %s: %s\n", e.Package, e.Test, reason(p.lines[e.Test]))
	case "fail":
		p.failed++
		fmt.Fprint(r.out, strings.Join(p.lines[e.Test], ""))
	}
	delete(p.lines, e.Test)
}

// endPackage prints the package's last line, and if it failed everything that was not printed yet: a panic or a
// timeout ends the program with tests still open.
func (r *reader) endPackage(p *pkg, e event) {
	own := p.lines[""]
	delete(p.lines, "")
	if e.Action == "fail" {
		for _, lines := range p.lines {
			fmt.Fprint(r.out, strings.Join(lines, ""))
		}
		fmt.Fprint(r.out, strings.Join(own, ""))
	} else if len(own) > 0 {
		last := strings.TrimSuffix(own[len(own)-1], "\n")
		if p.counts != (counts{}) {
			last += "\t" + p.String()
		}
		fmt.Fprintln(r.out, last)
	}
	r.sum.add(p.counts)
	delete(r.seen, e.Package)
}

// reason is what a test said when it skipped: "    x_test.go:7: no server\n" is "no server".
func reason(lines []string) string {
	for _, l := range slices.Backward(lines) {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, "--- ") {
			continue
		}
		if _, said, ok := strings.Cut(l, ": "); ok {
			return said
		}
		return l
	}
	return "no reason given"
}
