package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A timeline is what the circuit did, and when.
type timeline struct {
	mu      sync.Mutex // guards the rest
	began   time.Time
	changes []transport.Change
}

// start makes now the time from which changes are counted.
func (t *timeline) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.began = time.Now()
}

func (t *timeline) add(c transport.Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes = append(t.changes, c)
}

func (t *timeline) print(out io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(out, "\nthe circuit")
	if len(t.changes) == 0 {
		fmt.Fprintln(out, "  stayed closed")
	}
	for _, c := range t.changes {
		fmt.Fprintf(out, "  %4.1fs  %v → %v", c.Time.Sub(t.began).Seconds(), c.From, c.To)
		if c.To == transport.Open {
			fmt.Fprintf(out, " for %v", c.OpenFor.Round(time.Millisecond))
		}
		fmt.Fprintln(out)
	}
}
