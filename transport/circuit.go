package transport

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// A circuit is one host's state.
//
// The path of a call that goes well is two atomic loads: word tells allow that
// the circuit is closed, and tells minds that nothing happened since that a
// success would change.
type circuit struct {
	key  hostKey
	word atomic.Uint64 // generation and flags; written under mu

	open atomic.Pointer[opening] // while the state is not closed

	mu        sync.Mutex // guards the rest, and writing of the above
	counter   counter
	lastFail  int64 // Unix nanoseconds, 0 for none
	probes    int32 // on their way
	successes int32 // in a row
	openings  int32 // in a row without a close: how often OpenFor has doubled
	state     State
}

// A permit is what a call that passed keeps until it reports: which circuit
// state it began in.
type permit struct {
	word  uint64
	probe bool
	found State // what the call is told of
}

// The low bits of a circuit's word are flags. The rest is its generation, which
// grows with each change of state.
const (
	notClosed = 1 << iota
	dirty     // failures are counted, or the rule wants to hear of successes too
	engined   // an Engine decides, and wants to hear of everything
	timed     // the rule asks how long a call takes
	oneGeneration

	flags = notClosed | dirty | engined | timed
)

func (set *settings) newCircuit(k hostKey) *circuit {
	c := &circuit{key: k}
	if set.engine != nil {
		c.counter = &engineCounter{k.String()}
	} else {
		c.counter = set.rule.counter()
	}
	c.setWord(0)
	return c
}

// setWord writes word for the present state and the given generation.
func (c *circuit) setWord(generation uint64) {
	w := generation
	if c.state != Closed {
		w |= notClosed
	}
	if c.counter.dirty() {
		w |= dirty
	}
	if c.engineName() != "" {
		w |= engined
	}
	if c.counter.timed() {
		w |= timed
	}
	c.word.Store(w)
}

func (c *circuit) generation() uint64 { return c.word.Load() &^ flags }

// allow says whether a call may pass now.
func (c *circuit) allow(set *settings) (permit, error) {
	if set.engine != nil {
		return c.allowByEngine(set)
	}
	w := c.word.Load()
	if w&notClosed == 0 {
		return permit{word: w}, nil
	}
	o := c.open.Load()
	if o != nil && time.Until(o.until) > 0 {
		return c.refuse(set, w, o, &o.refusal)
	}
	return c.allowProbe(set)
}

// refuse counts a refusal. In a dry run the call passes all the same; its
// permit is marked notClosed, by which minds knows that how it went is nothing
// to the circuit.
func (c *circuit) refuse(set *settings, w uint64, o *opening, e *OpenError) (permit, error) {
	o.rejected.add(&set.spread)
	if set.dryRun {
		return permit{word: w | notClosed, found: e.State}, nil
	}
	return permit{word: w, found: e.State}, e
}

func (c *circuit) allowProbe(set *settings) (permit, error) {
	c.mu.Lock()
	o := c.open.Load()
	if c.state == Closed {
		w := c.word.Load()
		c.mu.Unlock()
		return permit{word: w}, nil
	}
	if c.state == Open && time.Until(o.until) > 0 { // opened anew meanwhile
		c.mu.Unlock()
		return c.refuse(set, c.word.Load(), o, &o.refusal)
	}
	var change *Change
	if c.state == Open {
		change = c.become(HalfOpen)
	}
	p := permit{word: c.word.Load(), found: HalfOpen}
	if int(c.probes) < set.probes {
		p.probe = true
		c.probes++
	}
	c.mu.Unlock()
	c.tellOrFree(set, change, p)
	if !p.probe {
		return c.refuse(set, p.word, o, &o.probing)
	}
	return p, nil
}

// tellOrFree runs the user's hook, and gives a probe's place back if that
// panics.
func (c *circuit) tellOrFree(set *settings, change *Change, p permit) {
	told := false
	defer func() {
		if !told && p.probe {
			c.report(set, p, Verdict{Outcome: Neutral}, time.Time{})
		}
	}()
	set.tell(change)
	told = true
}

// clock returns the time, for rules that want to know how long a call takes.
func (p permit) clock() time.Time {
	if p.word&timed == 0 {
		return time.Time{}
	}
	return time.Now()
}

// minds reports whether the outcome of a call that is no probe would change
// anything. It does not if the call began in another state, nor if all went
// well and had before.
func (c *circuit) minds(p permit, o Outcome) bool {
	w := c.word.Load()
	if w&engined != 0 {
		return p.word&notClosed == 0 // what a dry run let pass, the engine has refused
	}
	past := w&notClosed != 0 || (w^p.word)&^dirty != 0
	return !past && (o == Failed || o == Success && w&dirty != 0)
}

// report takes in how a call went.
func (c *circuit) report(set *settings, p permit, v Verdict, began time.Time) {
	if set.engine != nil {
		c.reportToEngine(set, p, v, began)
		return
	}
	c.mu.Lock()
	change := c.reportLocked(set, p, v, began)
	c.mu.Unlock()
	set.tell(change)
}

func (c *circuit) reportLocked(set *settings, p permit, v Verdict, began time.Time) *Change {
	if c.generation() != p.word&^flags {
		return nil // of an earlier state
	}
	if p.probe {
		return c.reportProbe(set, v, began)
	}
	r := result{now: time.Now(), failed: v.Outcome == Failed}
	if !began.IsZero() {
		r.took = r.now.Sub(began)
	}
	if r.failed {
		c.lastFail = r.now.UnixNano()
	}
	if c.counter.count(r, set.failureThreshold) {
		return c.trip(c.openTime(set, v))
	}
	c.setWord(c.generation())
	return nil
}

func (c *circuit) reportProbe(set *settings, v Verdict, began time.Time) *Change {
	c.probes--
	switch {
	case v.Outcome == Failed, v.Outcome == Success && !began.IsZero() && c.counter.slow(time.Since(began)):
		c.lastFail = time.Now().UnixNano()
		c.openings++
		return c.trip(c.openTime(set, v))
	case v.Outcome == Success:
		c.successes++
		if int(c.successes) >= set.successes {
			return c.become(Closed)
		}
	}
	return nil
}

// openTime is OpenFor the first time, and doubles, less up to 20 %, with every
// probe that failed since. What the service asks for is a floor.
func (c *circuit) openTime(set *settings, v Verdict) time.Duration {
	d := exponential(set.openFor, set.maxOpenFor, int(c.openings)+1)
	if c.openings > 0 {
		d -= rand.N(d/5 + 1)
	}
	return min(max(d, v.Hint.After), set.maxOpenFor)
}

func (c *circuit) trip(d time.Duration) *Change {
	c.newOpening(d)
	change := c.become(Open)
	change.OpenFor = d
	return change
}

// become changes the state, which begins a new generation.
func (c *circuit) become(s State) *Change {
	change := &Change{Key: c.key.String(), From: c.state, To: s, Time: time.Now()}
	c.state, c.probes, c.successes = s, 0, 0
	if s == Closed {
		c.openings = 0
		c.counter.reset()
	}
	c.setWord(c.generation() + oneGeneration)
	return change
}

// force and reset are the operators' calls.
func (c *circuit) force(set *settings, d time.Duration) {
	c.mu.Lock()
	change := c.trip(d)
	c.mu.Unlock()
	set.tell(change)
}

func (c *circuit) reset(set *settings) {
	c.mu.Lock()
	var change *Change
	if c.state == Closed {
		c.counter.reset()
		c.setWord(c.generation() + oneGeneration)
	} else {
		change = c.become(Closed)
	}
	c.mu.Unlock()
	set.tell(change)
}

// tell runs the user's hook, outside of the lock. A step from a state to the
// same one is none.
func (set *settings) tell(c *Change) {
	if c != nil && set.onChange != nil && c.From != c.To {
		set.onChange(*c)
	}
}

func (c *circuit) snapshot(set *settings) Circuit {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Circuit{
		Key: c.key.String(), State: c.state, Successes: int(c.successes),
		Failures: c.counter.failures(time.Now()), Threshold: set.failureThreshold,
	}
	if c.lastFail != 0 {
		s.LastFailure = time.Unix(0, c.lastFail)
	}
	if o := c.open.Load(); o != nil {
		s.Rejected = o.rejected.sum()
		if c.state == Open {
			s.Left = max(0, time.Until(o.until))
		}
	}
	return s
}
