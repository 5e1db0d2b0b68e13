// Command check builds, tests and lints every module of the workspace. The Makefile calls it; so does .ci/run.
//
//	go run -C internal/tools ./check test
//
// It is a Go program and not a heap of shell scripts because Go is the one thing that is there wherever this
// repository is worked on. It uses the standard library alone, so that starting it downloads nothing.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

const usage = `usage: check COMMAND

  test    everything below up to vuln: what must hold before a change is merged
  fmt     format every file
  vet     go vet on every module, also for windows, darwin and linux/386
  lint    golangci-lint, staticcheck and the rules of the house
  tidy    go.mod and go.sum say what the code imports
  vuln    known vulnerabilities, if their database can be reached
  bench   every benchmark (BENCH=regexp COUNT=n; OLD=file compares with an earlier bench.out)
  fuzz    every fuzz target for FUZZTIME (default 1m)
  soak    a storm of CALLS (default 200000) calls, each of them accounted for (SEED=n repeats one)
  cover   the statements that the tests reach
  gosuite Go's own net/http tests, sent through the kit in every chain (testdata/gosuite)
  deps    build now what test would build or leave out: linters and servers
`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	h, err := newHouse()
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
	defined := commands(h)
	steps, ok := defined[os.Args[1]]
	if !ok {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if !run("make "+os.Args[1], steps) {
		os.Exit(1)
	}
}

func commands(h *house) map[string][]step {
	lint := []step{
		{"gofmt", h.gofmt},
		{"house rules", h.rules},
		{"golangci-lint", h.golangci},
		{"staticcheck", h.staticcheck},
	}
	vet := []step{{"vet", h.vet}, {"cross vet", h.crossVet}}
	tidy := step{"tidy", h.tidy}
	vuln := step{"govulncheck", h.vuln}

	test := []step{{"servers", h.servers}, tidy}
	test = append(test, vet...)
	test = append(test, lint...)
	test = append(test, step{"tests", h.test}, step{"tests with GOWORK=off", h.testAlone}, step{"Go's own tests", h.gosuiteShort}, vuln)

	return map[string][]step{
		"test":    test,
		"lint":    lint,
		"vet":     vet,
		"tidy":    {tidy},
		"vuln":    {vuln},
		"fmt":     {{"gofmt", h.format}},
		"bench":   {{"benchmarks", h.bench}},
		"fuzz":    {{"fuzz", h.fuzz}},
		"soak":    {{"soak", h.soak}},
		"cover":   {{"cover", h.cover}},
		"gosuite": {{"Go's own tests", h.gosuite}},
		"deps":    {{"tools", h.buildTools}, {"servers", h.buildServers}},
	}
}

// A step does one thing and returns what the summary shall say about it, which may be nothing.
// An error of type leftOut is no failure.
type step struct {
	name string
	run  func() (note string, err error)
}

// leftOut is why a step was not taken, or not wholly.
type leftOut string

func (l leftOut) Error() string { return string(l) }

// run takes every step, also after one has failed, so that one run shows all that is wrong.
// The last line it prints is the summary.
func run(name string, steps []step) bool {
	start := time.Now()
	var passed, missed, failed []string
	for _, s := range steps {
		fmt.Printf("== %s\n", s.name)
		began := time.Now()
		note, err := s.run()
		label := s.name
		if note != "" {
			label += " (" + note + ")"
		}
		if why, ok := errors.AsType[leftOut](err); ok {
			fmt.Printf("   left out: %s\n", why)
			missed = append(missed, fmt.Sprintf("%s (%s)", s.name, why))
			continue
		}
		if err != nil {
			fmt.Printf("   FAILED: %v\n", err)
			failed = append(failed, label)
			continue
		}
		fmt.Printf("   ok, %s\n", time.Since(began).Round(100*time.Millisecond))
		passed = append(passed, label)
	}
	fmt.Println(summary(name, passed, missed, failed, time.Since(start)))
	return len(failed) == 0
}

func summary(name string, passed, missed, failed []string, took time.Duration) string {
	var b strings.Builder
	b.WriteString(name)
	if len(failed) > 0 {
		b.WriteString(": FAILED: " + strings.Join(failed, ", "))
	} else {
		b.WriteString(": ok")
	}
	if len(passed) > 0 {
		b.WriteString("; passed: " + strings.Join(passed, ", "))
	}
	if len(missed) > 0 {
		b.WriteString("; left out: " + strings.Join(missed, ", "))
	}
	fmt.Fprintf(&b, "; %s", took.Round(time.Second))
	return b.String()
}
