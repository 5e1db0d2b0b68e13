// Command gosuite runs the tests of Go's own net/http and net/http/httputil
// with the kit around the transports that they use, and says which of them
// notice. README.md has the rest.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

var (
	only    = flag.String("chains", "identity,bystanders,timed,agent,retry", "run these `chains`, separated by commas")
	pick    = flag.String("run", ".", "run only the tests that match `regexp`")
	race    = flag.Bool("race", false, "build with the race detector")
	short   = flag.Bool("short", false, "give the tests -short")
	verbose = flag.Bool("v", false, "print what the tests that differ said")
	keep    = flag.Bool("keep", false, "keep the temporary folder with the overlay and the test programs")
)

// suites are the packages whose tests are run.
var suites = []string{"net/http", "net/http/httputil"}

const (
	chainsPackage  = "./testdata/gosuite/chains"
	exceptionsFile = "testdata/gosuite/exceptions.txt"
)

func main() {
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	asExpected, err := gosuite(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gosuite:", err)
	}
	if err != nil || !asExpected {
		os.Exit(1)
	}
}

// gosuite does it all, and reports whether all is as expected.
func gosuite(ctx context.Context) (bool, error) {
	began := time.Now()
	mod, err := output(ctx, "", []string{"GOWORK=off"}, "go", "env", "GOMOD")
	if err != nil {
		return false, err
	}
	root := filepath.Dir(mod)
	expected, err := readExceptions(filepath.Join(root, filepath.FromSlash(exceptionsFile)))
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "gosuite")
	if err != nil {
		return false, err
	}
	if *keep {
		fmt.Println("kept:", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	programs, err := build(ctx, root, dir)
	if err != nil {
		return false, err
	}
	t := table{expected: expected}
	for _, p := range programs {
		if err := t.run(ctx, p, strings.Split(*only, ",")); err != nil {
			return false, err
		}
	}
	asExpected := t.print(os.Stdout, *verbose)
	version, err := output(ctx, root, nil, "go", "version")
	fmt.Printf("\n%s, %v\n", version, time.Since(began).Round(time.Second))
	return asExpected, err
}

// build makes the test programs of each package: a bare one, and one that the
// chains are compiled into.
func build(ctx context.Context, root, dir string) ([]*program, error) {
	goroot, err := output(ctx, root, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	o := &overlay{goroot: goroot, dir: dir, replace: map[string]string{}}
	if err := o.addPackages(ctx, root); err != nil {
		return nil, err
	}
	if err := o.addHooks(); err != nil {
		return nil, err
	}
	file, err := o.write()
	if err != nil {
		return nil, err
	}
	var programs []*program
	for _, pkg := range suites {
		name := filepath.Join(dir, strings.ReplaceAll(pkg, "/", "_"))
		p := &program{pkg: pkg, dir: filepath.Join(goroot, "src", filepath.FromSlash(pkg)), bare: name + ".bare", wrapped: name + ".wrapped"}
		for file, more := range map[string][]string{p.bare: nil, p.wrapped: {"-overlay", file}} {
			// Not vetted: vet is run in the package's folder, and an overlay has none.
			args := append([]string{"go", "test", "-c", "-vet=off", tags, fmt.Sprintf("-race=%t", *race), "-o", file}, more...)
			if _, err := output(ctx, dir, alone, append(args, pkg)...); err != nil {
				return nil, err
			}
		}
		programs = append(programs, p)
	}
	return programs, nil
}

// tags leave out assembly: the assembler, too, is run in the package's folder.
const tags = "-tags=purego"

// alone is the environment to build Go's own packages in: nobody's module.
var alone = []string{"GOWORK=off", "GOFLAGS="}

// output runs a program and returns what it printed, less the end of the line;
// what it complained of is in the error.
func output(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), env...), &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(bytes.TrimSpace(out)), nil
}
