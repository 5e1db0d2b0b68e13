package redisstore

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A State is a snapshot of a [Store].
type State struct {
	Hits   uint64 `json:"hits"`   // values found
	Misses uint64 `json:"misses"` // Redis has none: of what follows none counts here
	Stored uint64 `json:"stored"` // values written
	Near   uint64 `json:"near"`   // copies in memory that were served in place of no answer

	TooLate      uint64 `json:"too_late"`      // no answer within Timeout
	Failed       uint64 `json:"failed"`        // no connection, or Redis said no
	Refused      uint64 `json:"refused"`       // not asked: the circuit is open
	Damaged      uint64 `json:"damaged"`       // entries that were cut, changed, or another key's
	OtherVersion uint64 `json:"other_version"` // entries of a program with another format
	OtherKey     uint64 `json:"other_key"`     // entries that no key opens
	TooLarge     uint64 `json:"too_large"`     // keys and values, written or read

	// Circuit can go among healthz.Sources.Circuits.
	Circuit transport.Circuit `json:"circuit"`
}

// State returns a snapshot.
func (s *Store) State() State {
	c := &s.counts
	return State{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Stored: c.stored.Load(), Near: c.near.Load(),
		TooLate: c.tooLate.Load(), Failed: c.failed.Load(), Refused: c.refused.Load(),
		Damaged: c.damaged.Load(), OtherVersion: c.otherVersion.Load(), OtherKey: c.otherKey.Load(), TooLarge: c.tooLarge.Load(),
		Circuit: s.circuit.snapshot(time.Now()),
	}
}

type counts struct {
	hits, misses, stored, near                atomic.Uint64
	tooLate, failed, refused                  atomic.Uint64
	damaged, otherVersion, otherKey, tooLarge atomic.Uint64
}

// fail counts an error, and returns it.
func (c *counts) fail(err error) error {
	c.count(err)
	return err
}

func (c *counts) count(err error) {
	switch {
	case errors.Is(err, ErrDamaged):
		c.damaged.Add(1)
	case errors.Is(err, ErrVersion):
		c.otherVersion.Add(1)
	case errors.Is(err, ErrKey):
		c.otherKey.Add(1)
	case errors.Is(err, ErrTooLarge):
		c.tooLarge.Add(1)
	case errors.Is(err, ErrCircuitOpen):
		c.refused.Add(1)
	case errors.Is(err, ErrTooLate):
		c.tooLate.Add(1)
	default:
		c.failed.Add(1)
	}
}
