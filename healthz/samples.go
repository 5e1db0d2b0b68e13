package healthz

import (
	"context"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// samplesLen and sampleEvery make the page's charts ten minutes long.
const (
	samplesLen  = 120
	sampleEvery = 5 * time.Second
)

// samples is the traffic of the last minutes.
type samples struct {
	mu   sync.Mutex // guards list
	list []sample
}

type sample struct {
	at            time.Time
	calls         uint64  // in the window
	success       float64 // share of those, in percent
	p50, p95, p99 time.Duration
}

// loop takes a sample every now and then until ctx ends.
func (s *samples) loop(ctx context.Context, traffic func() transport.Traffic) {
	t := time.NewTicker(sampleEvery)
	defer t.Stop()
	for {
		s.take(traffic)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// take takes a sample. From a source that panics there is none: the checks that
// read it tell of that.
func (s *samples) take(traffic func() transport.Traffic) {
	defer func() { _ = recover() }()
	w := traffic().Window
	x := sample{at: time.Now(), calls: w.Total, success: 100 - 100*w.ErrorRate(), p50: w.P50, p95: w.P95, p99: w.P99}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) == samplesLen {
		copy(s.list, s.list[1:])
		s.list = s.list[:samplesLen-1]
	}
	s.list = append(s.list, x)
}

// all returns a copy, the oldest first.
func (s *samples) all() []sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sample(nil), s.list...)
}
