package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

// A screen shows what happens, when it happens. Lines that say the same as the
// last are counted.
type screen struct {
	out   io.Writer
	began time.Time

	mu   sync.Mutex // guards the rest, and out
	last string
	same int
}

func (s *screen) since() time.Duration { return time.Since(s.began) }

func (s *screen) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == s.last {
		s.same++
		return
	}
	s.flush()
	s.last = text
	fmt.Fprintf(s.out, "%5.2fs  %s\n", s.since().Seconds(), text)
}

// changed is told by the circuits.
func (s *screen) changed(c transport.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	s.last = ""
	fmt.Fprintf(s.out, "%5.2fs  %s: %v → %v\n", s.since().Seconds(), c.Key, c.From, c.To)
}

// flush says how often the last line came again.
func (s *screen) flush() {
	if s.same > 0 {
		fmt.Fprintf(s.out, "        … %d more\n", s.same)
	}
	s.same = 0
}

func (s *screen) summary(agent *safetrip.Agent, up *upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	fmt.Fprintln(s.out)
	for _, c := range agent.Report().Circuits {
		fmt.Fprintf(s.out, "%-13s %-7v refused %2d   the service saw %d calls\n", c.Key, c.State, c.Rejected, up.calls(c.Key))
	}
}
