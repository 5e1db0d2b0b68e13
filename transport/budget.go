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
	// authority. It stands in States, so it must hold no secret. At most 10,000
	// keys are kept, the longest idle leave first.
	Key func(*http.Request) string

	once    sync.Once
	invalid error // what is wrong with the fields, as they were at the first Wrap
	ratio   float64
	floor   int
	window  time.Duration
	key     func(*http.Request) string
	keys    table.Table[hostKey, hostBudget]
}

// Validate returns an error that names every field out of its bounds.
func (b *Budget) Validate() error {
	var errs []error
	if b.Ratio > 1 {
		errs = append(errs, fmt.Errorf("transport: Budget.Ratio is %v; it must be at most 1", b.Ratio))
	}
	if b.Window < 0 || b.Window > 0 && b.Window < ringSlots {
		errs = append(errs, fmt.Errorf("transport: Budget.Window is %v; it must be at least %v", b.Window, time.Duration(ringSlots)))
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
		calls, retries := p.sums(now, b)
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
		b.window = cmp.Or(b.Window, 10*time.Second)
		b.key = b.Key
	})
}

// limit returns how many retries there may be beside so many calls.
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
	if p.call(time.Now(), b) {
		b.keys.Delete(k)
		return false
	}
	return true
}

// take asks for one retry. Counted says whether count has counted the call.
func (b *Budget) take(req *http.Request, counted bool) bool {
	b.init()
	if b.ratio < 0 {
		return true
	}
	k := keyOf(req, b.key).canonical()
	p := b.keys.GetOrAdd(k, func() (hostKey, *hostBudget) { return k.clone(), new(hostBudget) })
	return p.retry(time.Now(), b, counted)
}

// A hostBudget is the budget of one key.
type hostBudget struct {
	mu        sync.Mutex // guards the rest
	ring      ring       // retries are marked
	lastRetry time.Time
}

// call counts a call, and reports whether there was no retry for so long that
// the budget can be forgotten.
func (h *hostBudget) call(now time.Time, b *Budget) (idle bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring.add(now, b.window, 1, 0)
	return now.Sub(h.lastRetry) > 2*b.window
}

// retry counts a retry if there may be one more, and reports whether it did.
func (h *hostBudget) retry(now time.Time, b *Budget, counted bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastRetry = now
	if !counted {
		h.ring.add(now, b.window, 1, 0)
	}
	calls, retries := h.ring.sums(now, b.window)
	if retries >= b.limit(calls) {
		return false
	}
	h.ring.add(now, b.window, 0, 1)
	return true
}

func (h *hostBudget) sums(now time.Time, b *Budget) (calls, retries int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ring.sums(now, b.window)
}
