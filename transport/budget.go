package transport

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/internal/table"
)

// A Budget bounds retries to a share of the calls, so that a service that is
// down is not called several times as often as one that is up. It counts per
// host, so that a dead one does not use up what the others have. The zero
// value is ready to use; several [Retry] wrappers may share one.
//
// A host is watched from its first retry on, and forgotten when it had none
// for two windows: while all is well, a Budget costs one atomic load.
type Budget struct {
	// Ratio is how many retries there may be for each call in the window. If
	// zero, it is 0.2; if negative, there is no bound.
	Ratio float64

	// Floor is how many retries a window may have however few calls it saw. If
	// zero, it is 10; if negative, it is 0.
	Floor int

	// Window is the length of the sliding window. If zero, it is 10 s.
	Window time.Duration

	// Key says which calls have a budget together. If nil, it is scheme and
	// authority. At most 10,000 keys are kept, the longest idle leaves first.
	Key func(*http.Request) string

	once    sync.Once
	invalid error // what is wrong with the fields, as they were at the first Wrap
	ratio   float64
	floor   int
	window  time.Duration
	key     func(*http.Request) string
	keys    table.Table[hostKey, purse]
}

// Validate returns an error that names every field out of its bounds.
func (b *Budget) Validate() error {
	var errs []error
	if b.Ratio > 1 {
		errs = append(errs, fmt.Errorf("transport: Budget.Ratio is %v; it must be at most 1", b.Ratio))
	}
	if b.Window < 0 || b.Window > 0 && b.Window < purseSlots {
		errs = append(errs, fmt.Errorf("transport: Budget.Window is %v; it must be at least %v", b.Window, time.Duration(purseSlots)))
	}
	return errors.Join(errs...)
}

// States returns the budgets of the hosts that are watched, in the order of
// their keys.
func (b *Budget) States() []BudgetState {
	b.init()
	now := time.Now()
	var all []BudgetState
	for k, p := range b.keys.All {
		calls, retries := p.sums(now, b.window)
		all = append(all, BudgetState{Key: k.String(), Calls: calls, Retries: retries, Left: max(0, b.limit(calls)-retries)})
	}
	slices.SortFunc(all, func(x, y BudgetState) int { return cmp.Compare(x.Key, y.Key) })
	return all
}

// freeze reads the fields, unless that was done already, and returns what is
// wrong with them. Wraps may run at once, and while the Budget is in use.
func (b *Budget) freeze() error {
	if b == nil {
		return nil
	}
	b.init()
	return b.invalid
}

func (b *Budget) init() {
	b.once.Do(func() {
		b.invalid = b.Validate()
		b.ratio = defaultTo(b.Ratio, 0.2, -1)
		b.floor = defaultTo(b.Floor, 10, 0)
		b.window = defaultTo(b.Window, 10*time.Second, 10*time.Second)
		b.key = b.Key
	})
}

func (b *Budget) limit(calls int) int { return max(b.floor, int(b.ratio*float64(calls))) }

// watching reports whether any host is watched.
func (b *Budget) watching() bool { return b.keys.Len() > 0 }

// count counts a call if its host is watched, and reports whether it did.
func (b *Budget) count(req *http.Request) bool {
	k := keyOf(req, b.key).canonical()
	p := b.keys.Get(k)
	if p == nil {
		return false
	}
	if p.call(time.Now(), b.window) {
		b.keys.Delete(k)
		return false
	}
	return true
}

// take asks for one retry. A call that was not counted yet is counted now.
func (b *Budget) take(req *http.Request, counted *bool) bool {
	b.init()
	if b.ratio < 0 {
		return true
	}
	k := keyOf(req, b.key).canonical()
	p := b.keys.GetOrAdd(k, func() (hostKey, *purse) { return k.clone(), new(purse) })
	fresh := !*counted
	*counted = true
	return p.retry(time.Now(), b, fresh)
}

// A purse is the budget of one key: calls and retries by slots of a tenth of
// the window.
type purse struct {
	mu    sync.Mutex // guards the rest
	slots [purseSlots]struct {
		number         int64 // since the epoch; a slot with an old number is empty
		calls, retries int
	}
	lastRetry time.Time
}

const purseSlots = 10

func slotNumber(now time.Time, window time.Duration) int64 {
	return now.UnixNano() / int64(window/purseSlots)
}

// call counts a call, and reports whether the purse has seen no retry for so
// long that it can be forgotten.
func (p *purse) call(now time.Time, window time.Duration) (idle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(now, window, 1, 0)
	return now.Sub(p.lastRetry) > 2*window
}

func (p *purse) retry(now time.Time, b *Budget, fresh bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastRetry = now
	if fresh {
		p.add(now, b.window, 1, 0)
	}
	calls, retries := p.sumsLocked(now, b.window)
	if retries >= b.limit(calls) {
		return false
	}
	p.add(now, b.window, 0, 1)
	return true
}

func (p *purse) add(now time.Time, window time.Duration, calls, retries int) {
	n := slotNumber(now, window)
	s := &p.slots[n%purseSlots]
	if s.number != n {
		s.number, s.calls, s.retries = n, 0, 0
	}
	s.calls += calls
	s.retries += retries
}

func (p *purse) sums(now time.Time, window time.Duration) (calls, retries int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sumsLocked(now, window)
}

func (p *purse) sumsLocked(now time.Time, window time.Duration) (calls, retries int) {
	n := slotNumber(now, window)
	for _, s := range p.slots {
		if s.number > n-purseSlots && s.number <= n {
			calls += s.calls
			retries += s.retries
		}
	}
	return calls, retries
}
