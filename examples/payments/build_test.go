package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs are the two programs, built as a user would build them.
type programs struct{ payments, gateway string }

var (
	buildDir string // removed by TestMain
	build    = sync.OnceValues(func() (p programs, err error) {
		if buildDir, err = os.MkdirTemp("", "payments-test"); err != nil {
			return p, err
		}
		p = programs{filepath.Join(buildDir, "payments.exe"), filepath.Join(buildDir, "gateway.exe")}
		if err := buildGateway(context.Background(), p.gateway); err != nil {
			return p, err
		}
		if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", p.payments, ".").CombinedOutput(); err != nil {
			return p, fmt.Errorf("%w: %s", err, out)
		}
		return p, nil
	})
)

func built(t *testing.T) programs {
	t.Helper()
	p, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMain(m *testing.M) {
	code := m.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	os.Exit(code)
}
