package redisstore

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A circuit keeps calls away from a Redis that does not answer.
//
// [transport.Breaker] is made for requests, of which one has to be the probe.
// Here nobody needs to be: a PING is.
type circuit struct {
	key        string
	threshold  int // in a row, negative if it never opens
	first, max time.Duration
	onChange   func(transport.Change)

	mu          sync.Mutex // guards the rest
	state       transport.State
	failures    int // in a row
	openFor     time.Duration
	until       time.Time // when an open circuit may be probed
	lastFailure time.Time
	rejected    uint64
}

// admission says what may become of a call.
type admission uint8

const (
	passes       admission = iota
	refused                // the circuit is not closed
	refusedProbe           // nor is it, but its time is over: the caller sees to a probe
)

func (c *circuit) admit(now time.Time) admission {
	c.mu.Lock()
	if c.state == transport.Closed {
		c.mu.Unlock()
		return passes
	}
	c.rejected++
	if c.state == transport.HalfOpen || now.Before(c.until) {
		c.mu.Unlock()
		return refused
	}
	c.state = transport.HalfOpen
	c.mu.Unlock()
	c.tell(transport.Change{From: transport.Open, To: transport.HalfOpen, Time: now})
	return refusedProbe
}

// report takes in how a call went that passed. What comes back when the circuit
// has opened meanwhile is of no interest any more.
func (c *circuit) report(ok bool, now time.Time) {
	c.mu.Lock()
	switch {
	case c.state != transport.Closed:
	case ok:
		c.failures = 0
	default:
		c.failures++
		c.lastFailure = now
		if c.threshold > 0 && c.failures >= c.threshold {
			c.openFor = c.first
			change := c.open(now)
			c.mu.Unlock()
			c.tell(change)
			return
		}
	}
	c.mu.Unlock()
}

// probed takes in how a probe went.
func (c *circuit) probed(ok bool, now time.Time) {
	c.mu.Lock()
	var change transport.Change
	if ok {
		change = transport.Change{From: c.state, To: transport.Closed, Time: now}
		c.state, c.failures = transport.Closed, 0
	} else {
		c.lastFailure = now
		c.openFor = min(2*c.openFor, c.max)
		change = c.open(now)
	}
	c.mu.Unlock()
	c.tell(change)
}

// open opens the circuit. The lock is held.
func (c *circuit) open(now time.Time) transport.Change {
	wait := c.openFor - time.Duration(rand.Int64N(int64(c.openFor)/5+1))
	change := transport.Change{From: c.state, To: transport.Open, Time: now, OpenFor: wait}
	c.state, c.until = transport.Open, now.Add(wait)
	return change
}

func (c *circuit) tell(change transport.Change) {
	if c.onChange != nil {
		change.Key = c.key
		c.onChange(change)
	}
}

func (c *circuit) snapshot(now time.Time) transport.Circuit {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := transport.Circuit{
		Key: c.key, State: c.state, Failures: c.failures, Threshold: max(0, c.threshold),
		LastFailure: c.lastFailure, Rejected: c.rejected,
	}
	if c.state == transport.Open {
		s.Left = max(0, c.until.Sub(now))
	}
	return s
}
