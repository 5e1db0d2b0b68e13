package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// bare is the chain that is none.
const bare = "bare"

// apart are tests that compile Go with and without HTTP/2, for half a minute,
// and make no call.
var apart = []string{"TestOmitHTTP2", "TestOmitHTTP2Vet"}

// A program is the tests of one package, compiled.
type program struct {
	pkg           string
	dir           string // where the tests expect to be run
	bare, wrapped string // the programs without the kit and with it
}

// results are how tests ended, by name. Subtests belong to theirs.
type results map[string]*outcome

type outcome struct {
	ended  string // "pass", "fail", "skip", or "" if the program ended before the test
	paused bool   // it was waiting for its turn, as parallel tests do
	said   []string
}

// suite runs all tests but those to skip. A test that brings the program down,
// or that hangs, takes others with it; they get another chance without it.
func (p *program) suite(ctx context.Context, chain string, skip []string) (results, error) {
	all := results{}
	done := slices.Concat(apart, skip)
	for {
		some, err := p.start(ctx, chain, *pick, done, 45*time.Second)
		if err != nil {
			return nil, err
		}
		again := false
		for name, o := range some {
			again = again || o.ended == ""
			if o.ended == "" && o.paused {
				continue
			}
			if o.ended == "" {
				o.ended = "fail"
			}
			all[name] = o
			done = append(done, name)
		}
		if !again {
			return all, nil
		}
	}
}

// single runs one test on its own.
func (p *program) single(ctx context.Context, chain, name string, patience time.Duration) (*outcome, error) {
	r, err := p.start(ctx, chain, "^"+name+"$", nil, patience)
	if err != nil {
		return nil, err
	}
	o := r[name]
	if o == nil {
		return nil, fmt.Errorf("%s has no %s", p.pkg, name)
	}
	if o.ended == "" {
		o.ended = "fail"
	}
	return o, nil
}

// start runs the program once. It ends it when there is no word of it for so
// long.
func (p *program) start(ctx context.Context, chain, pattern string, skip []string, patience time.Duration) (results, error) {
	file := p.wrapped
	if chain == bare {
		file = p.bare
	}
	args := []string{"-test.v=test2json", "-test.parallel=8", "-test.timeout=10m", "-test.run=" + pattern, fmt.Sprintf("-test.short=%t", *short)}
	if len(skip) > 0 {
		args = append(args, "-test.skip=^("+strings.Join(skip, "|")+")$")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	silence := time.AfterFunc(patience, stop)
	tests := exec.CommandContext(ctx, file, args...)
	tests.Dir, tests.Env = p.dir, append(append(os.Environ(), alone...), "GOSUITE_CHAIN="+chain)
	tests.WaitDelay = time.Second // what the program started may hold its output open
	said, err := tests.StdoutPipe()
	if err != nil {
		return nil, err
	}
	events := exec.Command("go", "tool", "test2json")
	events.Stdin = said
	out, err := events.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(tests.Start(), events.Start()); err != nil {
		return nil, err
	}
	r, err := readEvents(out, func() { silence.Reset(patience) })
	werr := events.Wait()
	_ = tests.Wait() // the events say how it went
	return r, errors.Join(err, werr)
}

// readEvents reads what test2json prints, and calls heard for each line.
func readEvents(events io.Reader, heard func()) (results, error) {
	r := results{}
	for lines := bufio.NewReader(events); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return r, nil
		}
		heard()
		var e struct{ Action, Test, Output string }
		if err := errors.Join(err, json.Unmarshal(line, &e)); err != nil {
			return nil, fmt.Errorf("%w in %q", err, line)
		}
		name, _, sub := strings.Cut(e.Test, "/")
		if name == "" {
			continue
		}
		if r[name] == nil {
			r[name] = new(outcome)
		}
		r[name].note(e.Action, e.Output, sub)
	}
}

func (o *outcome) note(action, said string, ofSubtest bool) {
	switch {
	case action == "output":
		o.said = append(o.said, said)
	case ofSubtest:
	case action == "pause", action == "cont":
		o.paused = action == "pause"
	case action != "run":
		o.ended = action
	}
}
