package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

// A lane is one contender in one workload.
type lane struct {
	name string

	// start makes what one goroutine calls again and again. It has its own
	// request, since some contenders write to theirs.
	start func() func() error
}

// A sample is what one lane cost in one round, per call.
type sample struct {
	wall   float64 // ns
	cpu    float64 // ns of processor time of this process, the collector's included; 0 where the system does not tell
	allocs float64
	bytes  float64
}

// ns is the time that a call takes of a processor, or on the wall where that
// is not known: what else runs on the machine counts for less.
func (s sample) ns() float64 {
	if s.cpu > 0 {
		return s.cpu
	}
	return s.wall
}

// A run is a lane's samples, one a round.
type run struct {
	name    string
	samples []sample
}

// A pace is how long and how often lanes are measured.
type pace struct {
	rounds int
	span   time.Duration // for one lane in one round
}

// race measures lanes round by round, in a new order each time, so that what
// changes about the machine meanwhile meets all of them. The number of calls of
// a lane is what fits its span, and the same in every round.
func race(p pace, goroutines int, lanes ...lane) ([]run, error) {
	calls := make([]int, len(lanes))
	runs := make([]run, len(lanes))
	for i, l := range lanes {
		n, err := l.warm(goroutines, p.span)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		calls[i], runs[i].name = n, l.name
	}
	for range p.rounds {
		for _, i := range rand.Perm(len(lanes)) {
			s, err := lanes[i].sample(goroutines, calls[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", lanes[i].name, err)
			}
			runs[i].samples = append(runs[i].samples, s)
		}
	}
	return runs, nil
}

// warm calls more and more often, and returns how many calls fit the span.
func (l lane) warm(goroutines int, span time.Duration) (int, error) {
	for n := goroutines; ; n *= 4 {
		s, err := l.sample(goroutines, n)
		if err != nil {
			return 0, err
		}
		if time.Duration(s.wall*float64(n)) < span/5 && n < 1<<24 {
			continue
		}
		// The machine may have been busy with something else.
		for range 2 {
			again, err := l.sample(goroutines, n)
			if err != nil {
				return 0, err
			}
			s.wall = min(s.wall, again.wall)
		}
		if took := s.wall * float64(n); took < float64(span)/20 {
			continue
		}
		fits := int(float64(span) / max(1, s.wall))
		return max(goroutines, fits/goroutines*goroutines), nil
	}
}

// sample makes calls, shared out among goroutines, and counts what they cost.
func (l lane) sample(goroutines, calls int) (sample, error) {
	each := make([]func() error, goroutines)
	for i := range each {
		each[i] = l.start()
	}
	runtime.GC() // what others left is not this lane's to sweep
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, began := cpuTime(), time.Now()
	err := together(each, calls/goroutines)
	wall := time.Since(began)
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)

	n := float64(calls)
	return sample{
		wall:   float64(wall) / n,
		cpu:    float64(cpu) / n,
		allocs: float64(after.Mallocs-before.Mallocs) / n,
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / n,
	}, err
}

// together calls each function n times, each on a goroutine of its own unless
// there is one only.
func together(each []func() error, n int) error {
	if len(each) == 1 {
		return again(each[0], n)
	}
	errs := make([]error, len(each))
	var wg sync.WaitGroup
	for i, f := range each {
		wg.Go(func() { errs[i] = again(f, n) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func again(f func() error, n int) error {
	for range n {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}
