package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// A gateway is the gateway's program, running as a process of its own.
type gateway struct {
	url   string
	cmd   *exec.Cmd
	leash io.Closer // it ends when this is closed, as it is when this process ends in whatever way
	once  sync.Once
}

// buildGateway builds the program in the folder beside this one.
func buildGateway(ctx context.Context, program string) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/safetrip-go/safetrip/examples/payments/gateway").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building the gateway: %w\n%s", err, out)
	}
	return nil
}

// startGateway starts the program and returns when it listens, which it says.
func startGateway(program string, args ...string) (*gateway, error) {
	cmd := exec.CommandContext(context.Background(), program, append(args, "-leash")...) // it ends when it is killed
	cmd.Stderr = os.Stderr
	leash, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g := &gateway{cmd: cmd, leash: leash}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, _, ok := strings.Cut(strings.TrimPrefix(line, "gateway: "), ",")
	if err != nil || !ok {
		g.kill()
		return nil, fmt.Errorf("the gateway does not start: %q", line)
	}
	g.url = url
	return g, nil
}

func (g *gateway) address() string { return strings.TrimPrefix(g.url, "http://") }

// kill ends the process at once, as kill -9 does: it is not asked, and cannot
// clean up.
func (g *gateway) kill() {
	g.once.Do(func() {
		_ = g.cmd.Process.Kill()
		_ = g.cmd.Wait()
	})
}
