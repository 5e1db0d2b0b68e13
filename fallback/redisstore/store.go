package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/safetrip-go/safetrip/fallback"
)

// A Store is a [fallback.Store] in Redis: one server, a cluster, or what
// sentinels watch over. All methods may be called concurrently.
//
// An error means that there is no value, and why: nothing was stored that
// could be believed, or Redis could not be asked. It comes within Timeout,
// or when the caller's context is over, if that is sooner.
type Store struct {
	client  redis.UniversalClient
	config  Config
	keys    *keyring
	near    *near // nil without NearBytes
	circuit circuit
	counts  counts

	mu     sync.Mutex // guards closed, and ops against a late Add
	closed bool
	ops    sync.WaitGroup // commands that are under way
}

var _ fallback.Store = (*Store)(nil)

// Why Redis was not asked, or not waited for.
var (
	ErrCircuitOpen = errors.New("redisstore: Redis is not asked: the circuit is open")
	ErrTooLate     = errors.New("redisstore: Redis did not answer in time")
	ErrClosed      = errors.New("redisstore: the Store is closed")
)

// New returns a Store in the Redis that the options name, which is
// 127.0.0.1:6379 if they are nil. It does not connect: Redis may come later.
// The doc of the package says what New changes in a copy of the options.
//
// An error names every setting out of its bounds.
func New(options *redis.UniversalOptions, config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	keys, err := newKeyring(config.Keys)
	if err != nil {
		return nil, err
	}
	c := config.withDefaults()
	o := bounded(options, max(c.MaxValue+overhead+1, maxLine))
	c.Keys = nil
	return &Store{
		client: redis.NewUniversalClient(o),
		config: c,
		keys:   keys,
		near:   newNear(c.NearBytes),
		circuit: circuit{
			key: "redis://" + strings.Join(o.Addrs, ","), threshold: c.FailureThreshold,
			first: c.OpenFor, max: c.MaxOpenFor, onChange: c.OnChange,
		},
	}, nil
}

// Get returns the value of key, or nil if there is none. Where Redis does not
// answer, it is the copy in this process's memory, if NearBytes allows for one.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	name, err := s.name(key)
	if err != nil {
		return nil, s.counts.fail(err)
	}
	entry, ttl, err := s.read(ctx, name)
	if err != nil {
		if ctx.Err() == nil {
			if value := s.Near(key); value != nil {
				return value, nil
			}
		}
		return nil, err
	}
	value, err := s.unpack(name, entry)
	switch {
	case err != nil:
		s.near.drop(name)
		return nil, s.counts.fail(err)
	case value == nil:
		s.near.drop(name)
		s.counts.misses.Add(1)
		return nil, nil
	}
	s.near.saw(name, value, ttl)
	s.counts.hits.Add(1)
	return value, nil
}

// Near returns the copy of key's value in this process's memory, or nil. It is
// what a [fallback.Cache] asks for when it cannot wait for Get any longer.
func (s *Store) Near(key string) []byte {
	name, err := s.name(key)
	if err != nil {
		return nil
	}
	value := s.near.get(name)
	if value != nil {
		s.counts.near.Add(1)
	}
	return value
}

// read returns the entry that Redis has, and its time if a copy is to be made.
func (s *Store) read(ctx context.Context, name string) ([]byte, time.Duration, error) {
	if err := s.admit(ctx); err != nil {
		return nil, 0, err // at no cost: what follows allocates
	}
	return s.ask(ctx, name, s.near.wants(name))
}

func (s *Store) ask(ctx context.Context, name string, withTime bool) ([]byte, time.Duration, error) {
	var entry []byte
	var ttl time.Duration
	err := s.do(ctx, func(ctx context.Context) error {
		pipe := s.client.Pipeline()
		// One byte more than there may be tells that there is more, whatever its size.
		got, left := pipe.GetRange(ctx, name, 0, int64(s.limit())), new(redis.DurationCmd)
		if withTime {
			left = pipe.PTTL(ctx, name)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		entry, _ = got.Bytes() // what could be wrong, Exec said
		ttl = left.Val()
		return nil
	})
	if err != nil {
		return nil, 0, err // the others may still be written to
	}
	return entry, ttl, nil
}

// unpack returns the value in an entry, nil if there is none.
func (s *Store) unpack(name string, entry []byte) ([]byte, error) {
	switch {
	case len(entry) == 0: // no entry is empty
		return nil, nil
	case len(entry) > s.limit():
		return nil, ErrTooLarge
	}
	return s.keys.open(name, entry)
}

// Set stores value under key for ttl, to the millisecond. With a ttl of zero
// or less the key is deleted.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl <= 0 {
		return s.Delete(ctx, key)
	}
	name, err := s.name(key)
	if err == nil && len(value) > s.config.MaxValue {
		err = ErrTooLarge
	}
	if err != nil {
		return s.counts.fail(err)
	}
	s.near.set(name, value, ttl)
	if err := s.admit(ctx); err != nil {
		return err
	}
	entry := s.keys.seal(name, value)
	err = s.do(ctx, func(ctx context.Context) error {
		return s.client.Set(ctx, name, entry, max(ttl, time.Millisecond)).Err()
	})
	if err == nil {
		s.counts.stored.Add(1)
	}
	return err
}

// Delete forgets key.
func (s *Store) Delete(ctx context.Context, key string) error {
	name, err := s.name(key)
	if err != nil {
		return s.counts.fail(err)
	}
	s.near.drop(name)
	if err := s.admit(ctx); err != nil {
		return err
	}
	return s.do(ctx, func(ctx context.Context) error { return s.client.Del(ctx, name).Err() })
}

// Close waits for the commands that are under way, for as long as they may
// take, and closes the connections. Whatever is asked afterwards is refused
// with [ErrClosed]. Close the Caches that use the Store first.
func (s *Store) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		return nil
	}
	done := make(chan struct{})
	go func() {
		s.ops.Wait()
		close(done)
	}()
	timer := time.NewTimer(s.config.Timeout)
	defer timer.Stop()
	s.near.close()
	select {
	case <-done:
	case <-timer.C: // what ignores its context does not hold us up; without connections it fails
	}
	return s.client.Close()
}

// name returns the key in Redis.
func (s *Store) name(key string) (string, error) {
	if len(s.config.Prefix)+len(key) > maxName {
		return "", ErrTooLarge
	}
	return s.config.Prefix + key, nil
}

// limit is the size of the largest entry.
func (s *Store) limit() int { return s.config.MaxValue + overhead }

// do runs a command that was admitted, and returns when it does, when its time
// is up, or when the caller's is. The command writes to variables of
// its caller, who must not read them when do returned an error, which is
// counted.
func (s *Store) do(ctx context.Context, command func(context.Context) error) error {
	// The caller's values, but not its time: it says nothing of Redis.
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Timeout)
	done := make(chan error, 1)
	var once sync.Once
	settle := func(err error) { once.Do(func() { s.settle(err) }) }
	if !s.start(func() {
		defer cancel()
		err := late(within, attempt(within, command))
		settle(err)
		done <- err
	}) {
		cancel()
		return ErrClosed
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-within.Done():
	}
	select {
	case err := <-done: // it came back, and ended its context
		return err
	default: // mostly an instant before the command notices
		settle(ErrTooLate)
		return ErrTooLate
	}
}

// attempt runs a command. A driver's bug is a failure like others.
func attempt(ctx context.Context, command func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return command(ctx)
}

// admit asks the caller's context and the circuit, and sees to the probe if it
// is time for one. What it returns is counted.
func (s *Store) admit(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch s.circuit.admit(time.Now()) {
	case refused:
		return s.counts.fail(ErrCircuitOpen)
	case refusedProbe:
		s.start(s.probe)
		return s.counts.fail(ErrCircuitOpen)
	default:
		return nil
	}
}

// settle counts how a command went, whoever still waits for it.
func (s *Store) settle(err error) {
	s.circuit.report(!isFailure(err), time.Now())
	if err != nil {
		s.counts.count(err)
	}
}

// start runs f on a goroutine that Close waits for.
func (s *Store) start(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.ops.Go(f)
	return true
}

// probe asks Redis whether it is back.
func (s *Store) probe() {
	ctx, cancel := context.WithTimeout(context.Background(), s.config.Timeout)
	defer cancel()
	err := attempt(ctx, func(ctx context.Context) error { return s.client.Ping(ctx).Err() })
	s.circuit.probed(err == nil, time.Now())
}

// late makes one error of the many that tell of a time that is up.
func late(within context.Context, err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	if t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); within.Err() != nil || ok && t.Timeout() {
		return fmt.Errorf("%w: %w", ErrTooLate, err)
	}
	return fmt.Errorf("redisstore: %w", err)
}

// isFailure says whether an error speaks against Redis. That a key holds
// something else than a string does not.
func isFailure(err error) bool {
	return err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE")
}
