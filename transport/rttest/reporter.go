package rttest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// A reporter is the part of *testing.T that a rule needs.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
	Cleanup(func())
	Context() context.Context
}

// notes is a reporter that writes down instead of failing a test.
type notes struct {
	ctx      context.Context
	mu       sync.Mutex // guards errors and cleanups
	errors   []string
	cleanups []func()
}

// run runs f to its end or to its first FailNow, in a goroutine of its own as
// testing does, then what f left to clean up.
func (n *notes) run(f func()) {
	ctx, cancel := context.WithCancel(context.Background())
	n.ctx = ctx
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if v := recover(); v != nil {
				n.Errorf("panic: %v", v)
			}
		}()
		f()
	}()
	<-ended
	cancel()
	for _, clean := range slices.Backward(n.cleanups) {
		clean()
	}
}

func (n *notes) Helper() {}

func (n *notes) Errorf(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.errors = append(n.errors, fmt.Sprintf(format, args...))
}

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.errors)
}

func (n *notes) FailNow() { runtime.Goexit() }

func (n *notes) Cleanup(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cleanups = append(n.cleanups, f)
}

func (n *notes) Context() context.Context { return n.ctx }
