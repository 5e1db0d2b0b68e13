package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Some parts are played by this program in a process of its own: the service
// that is called, and whatever measures memory, or leaves goroutines behind.

// partEnv names the part, and what it is to be played with.
const partEnv = "SAFETRIP_COMPARE_PART"

// playPart plays the part that this process was started for, and reports
// whether there was one.
func playPart() (bool, error) {
	name, with, _ := strings.Cut(os.Getenv(partEnv), " ")
	switch name {
	case "":
		return false, nil
	case "origin":
		return true, serveOrigin()
	case "circuits":
		return true, tell(circuitsOf(with))
	case "inflight":
		return true, tell(inFlightOf(with))
	case "entries":
		return true, tell(entriesOf(with))
	case "rules":
		return true, tell(brokenBy(with))
	}
	return true, fmt.Errorf("there is no part %q", name)
}

// tell hands a result to the process that asked for it.
func tell[T any](result T, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// child prepares this program to play a part.
func child(ctx context.Context, part string) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), partEnv+"="+part)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// isolated returns what a part found, in a process of its own.
func isolated[T any](part string) (T, error) {
	var result T
	cmd, err := child(context.Background(), part)
	if err != nil {
		return result, err
	}
	out, err := cmd.Output()
	if err != nil {
		return result, fmt.Errorf("%s: %w", part, err)
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return result, fmt.Errorf("%s: %w", part, err)
	}
	return result, nil
}

// named returns the contender of that name.
func named(name string) (contender, error) {
	for _, c := range field() {
		if c.name == name {
			return c, nil
		}
	}
	return contender{}, fmt.Errorf("there is no contender %q", name)
}
