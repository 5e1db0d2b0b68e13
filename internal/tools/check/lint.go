package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func (h *house) gofmt() (string, error) {
	out, err := h.output(h.modules[0], h.gofmtPath(), "-s", "-l", ".")
	if err != nil {
		return "", err
	}
	if len(out) > 0 {
		return "", fmt.Errorf("not formatted (make fmt does it):\n%s", bytes.TrimSpace(out))
	}
	return "", nil
}

func (h *house) format() (string, error) {
	return "", h.show(h.modules[0], h.gofmtPath(), "-s", "-l", "-w", ".")
}

// gofmtPath is the gofmt that belongs to the go command: it need not be in the PATH.
func (h *house) gofmtPath() string {
	goroot, err := h.output(h.modules[0], "go", "env", "GOROOT")
	if path := filepath.Join(string(bytes.TrimSpace(goroot)), "bin", "gofmt"); err == nil && exists(path) {
		return path
	}
	return "gofmt"
}

func (h *house) vet() (string, error) {
	return "", h.each(func(m module) error { return h.show(m, "go", "vet", "./...") })
}

// crossVet compiles and vets the library, tests included, for systems that the tests do not run on. linux/386 is there
// for its 32-bit words: atomics, sizes and constants that fit an int. The examples are left out: what they depend on (the
// clients of language models, a database) takes minutes to compile for each system, and is nobody's but theirs.
func (h *house) crossVet() (string, error) {
	return "", h.each(func(m module) error {
		if m.alone || m.dir == "examples" || strings.HasPrefix(m.dir, "examples/") {
			return nil // The tools of the house, too, run where the house is worked on.
		}
		return errors.Join(
			h.show(m, "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64", "go", "vet", "./..."),
			h.show(m, "CGO_ENABLED=0", "GOOS=darwin", "GOARCH=arm64", "go", "vet", "./..."),
			h.show(m, "CGO_ENABLED=0", "GOOS=linux", "GOARCH=386", "go", "vet", "./..."),
		)
	})
}

func (h *house) golangci() (string, error) {
	bin, err := h.linter(golangciLint)
	if err != nil {
		return "", err
	}
	return "", h.each(func(m module) error {
		return h.show(m, "GOLANGCI_LINT_CACHE="+filepath.Join(h.cache, "golangci-lint"),
			bin, "run", "--config", filepath.Join(h.root, ".golangci.yml"), "./...")
	})
}

// staticChecks is all that staticcheck knows but what .golangci.yml has too (the form of doc comments), hints for editors,
// and a dislike of types that the compiler could infer: they can be what makes a line clear.
const staticChecks = "all,-ST1020,-ST1021,-ST1022,-ST1023,-QF*"

// staticcheck runs on its own rather than within golangci-lint, where it does not know its own lint:ignore comments.
func (h *house) staticcheck() (string, error) {
	bin, err := h.linter(staticcheck)
	if err != nil {
		return "", err
	}
	return "", h.each(func(m module) error {
		return h.show(m, "STATICCHECK_CACHE="+filepath.Join(h.cache, "staticcheck"), bin, "-checks="+staticChecks, "./...")
	})
}

// tidy compares go.mod and go.sum with the imports. It may need modules that no build needs (the tests of
// dependencies), so it is left out where they cannot be fetched. The linters' module is as `go get -tool` left it.
func (h *house) tidy() (string, error) {
	missing := false
	err := h.each(func(m module) error {
		if m.alone {
			return nil
		}
		args := []string{"go", "mod", "tidy", "-diff"}
		h.say(m, args)
		out, err := h.output(m, args...)
		if len(out) > 0 {
			return fmt.Errorf("%s is not tidy:\n%s", m.dir, bytes.TrimSpace(out))
		}
		if err != nil && offline(err) {
			missing = true
			return nil
		}
		return err
	})
	if err == nil && missing {
		return "", h.unlessCI("modules cannot be reached")
	}
	return "", err
}

const vulnDB = "https://vuln.go.dev"

// vuln asks the Go vulnerability database. Many machines cannot reach it; that is said and is no failure.
func (h *house) vuln() (string, error) {
	if err := reach(vulnDB + "/index/db.json"); err != nil {
		return "", leftOut("its database, " + vulnDB + ", cannot be reached")
	}
	bin, err := h.linter(govulncheck)
	if err != nil {
		return "", err
	}
	return "", h.each(func(m module) error {
		if m.alone {
			return nil // Faults of a linter's dependencies concern nobody who imports the kit.
		}
		args := []string{bin, "./..."}
		h.say(m, args)
		out, err := h.command(m, args...).CombinedOutput()
		os.Stdout.Write(out)
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() != 3 && offline(errors.New(string(out))) {
			return leftOut("its database stopped answering")
		}
		return err
	})
}

// reach reports whether a URL answers within some seconds.
func reach(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := new(http.Client).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// rules are those of the house that no linter knows.
func (h *house) rules() (string, error) {
	var errs []error
	err := filepath.WalkDir(h.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(h.root, path)
		if err != nil {
			return err
		}
		errs = append(errs, realSleeps(rel, src)...)
		return nil
	})
	return "", errors.Join(append(errs, err)...)
}

// realSleeps finds calls of time.Sleep in a test file that does not use testing/synctest. A test that waits for the
// real clock is slow on a good day and wrong on a bad one; in a synctest bubble the same call costs nothing and is exact.
func realSleeps(name string, src []byte) []error {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return []error{err}
	}
	for _, imp := range file.Imports {
		if path, err := strconv.Unquote(imp.Path.Value); err == nil && path == "testing/synctest" {
			return nil
		}
	}
	var errs []error
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "Sleep" {
			return true
		}
		if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
			errs = append(errs, fmt.Errorf("%s: time.Sleep on the real clock; use testing/synctest, or wait for the event itself",
				fset.Position(sel.Pos())))
		}
		return true
	})
	return errs
}
