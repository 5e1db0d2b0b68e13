package redisstore

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/safetrip-go/safetrip/transport"
)

// Config says how a [Store] uses Redis. The zero value is made for a Redis in
// the same data centre.
type Config struct {
	// Prefix goes before every key. A Cache's keys begin with safetrip: and its
	// Namespace already, so that it is needed only where an access list of
	// Redis, or another user of the Store, asks for one. If empty, there is
	// none.
	Prefix string

	// Timeout bounds each Get, Set and Delete. If zero, it is 50 ms.
	Timeout time.Duration

	// MaxValue is how many bytes a value may have. What is larger is not
	// written, and not read. If zero, it is 4 MiB.
	MaxValue int

	// NearBytes is how much of what this process has written and read is kept
	// in its own memory too, for when Redis does not answer. The copies are not
	// looked at while it does. If zero, there are none.
	NearBytes int64

	// Keys, if there are any, encrypt what is stored: 32 bytes or more each, as
	// random as can be. The first one encrypts; all of them decrypt.
	Keys [][]byte

	// FailureThreshold is how many failures in a row open the circuit. If zero,
	// it is 5; if negative, the circuit never opens.
	FailureThreshold int

	// OpenFor is how long the circuit stays open the first time. If zero, it is
	// 1 s. It doubles each time that Redis is still not there, less up to 20 %
	// at random.
	OpenFor time.Duration

	// MaxOpenFor bounds that time. If zero, it is 30 s, or OpenFor if that is
	// longer.
	MaxOpenFor time.Duration

	// OnChange, if not nil, is told when the circuit changes its state. It runs
	// on a goroutine of the Store's, outside of all locks, and must not block.
	OnChange func(transport.Change)
}

const (
	defaultTimeout   = 50 * time.Millisecond
	defaultMaxValue  = 4 << 20
	defaultThreshold = 5
	defaultOpenFor   = time.Second
	defaultMaxOpen   = 30 * time.Second
	defaultDial      = time.Second

	minKey    = 32  // bytes of one of Keys
	maxKeys   = 8   // in Keys
	maxPrefix = 256 // bytes
	maxName   = 1 << 10
	mostValue = 512<<20 - 1<<10
)

// Validate returns an error that names every field out of its bounds.
func (c Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("redisstore: Config."+format, args...))
	}
	if len(c.Prefix) > maxPrefix {
		fault("Prefix has %d bytes; it may have %d", len(c.Prefix), maxPrefix)
	}
	if c.Timeout < 0 {
		fault("Timeout is %v; it must not be negative", c.Timeout)
	}
	if c.MaxValue < 0 || c.MaxValue > mostValue {
		fault("MaxValue is %d; it must be from 0 to %d, which is what Redis can hold", c.MaxValue, mostValue)
	}
	if c.NearBytes < 0 {
		fault("NearBytes is %d; it must not be negative", c.NearBytes)
	}
	for i, k := range c.Keys {
		if len(k) < minKey {
			fault("Keys[%d] has %d bytes; it must have %d or more", i, len(k), minKey)
		}
	}
	if len(c.Keys) > maxKeys {
		fault("Keys has %d keys; it may have %d", len(c.Keys), maxKeys)
	}
	if c.OpenFor < 0 {
		fault("OpenFor is %v; it must not be negative", c.OpenFor)
	}
	if c.MaxOpenFor < 0 || c.MaxOpenFor > 0 && c.MaxOpenFor < c.OpenFor {
		fault("MaxOpenFor is %v; it must not be less than OpenFor", c.MaxOpenFor)
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.MaxValue = cmp.Or(c.MaxValue, defaultMaxValue)
	c.FailureThreshold = cmp.Or(c.FailureThreshold, defaultThreshold)
	c.OpenFor = cmp.Or(c.OpenFor, defaultOpenFor)
	c.MaxOpenFor = cmp.Or(c.MaxOpenFor, max(defaultMaxOpen, c.OpenFor))
	return c
}

// bounded returns a copy of o for a client that keeps to its context and tries
// once: whether and when to try again is the circuit's to say.
//
// A dial goes on in the background when its caller has left, so it may take
// longer than a command. No reply may have more than limit bytes.
func bounded(o *redis.UniversalOptions, limit int) *redis.UniversalOptions {
	c := new(redis.UniversalOptions)
	if o != nil {
		*c = *o
	}
	c.ContextTimeoutEnabled = true
	c.MaxRetries = -1
	c.DialerRetries = 1
	c.DialTimeout = cmp.Or(c.DialTimeout, defaultDial)
	c.Dialer = guarded(c, limit)
	if c.MaintNotificationsConfig == nil {
		c.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	}
	return c
}
