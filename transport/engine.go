package transport

import "time"

// An Engine decides in place of a [Rule] when circuits open and close.
// [Breaker] asks it, and keeps for itself what holds for every engine:
// generations, so that a late result is not reported; places for probes;
// neutral outcomes, which are not reported either; DryRun, OnChange, Hold and
// Open, and the bound on the number of circuits. What the engine decides, Reset
// cannot undo.
//
// Package [github.com/safetrip-go/safetrip/transport/hystrix] has one. All
// methods must be safe for concurrent use.
type Engine interface {
	// Allow says whether a call may pass. An open circuit lets one pass now
	// and then, as a probe.
	Allow(key string) bool

	// Report tells how a call that passed went.
	Report(key string, r Result)

	// State returns Closed or Open.
	State(key string) State
}

// A Result is what an [Engine] is told of a call.
type Result struct {
	Failed   bool
	TimedOut bool // why it failed
	Refused  bool // it did not pass
	Began    time.Time
	Took     time.Duration // until the headers were there, and a body that Buffer reads ahead
}

// engineCounter stands where a rule's counter would: it has the engine's name
// for the circuit, and counts nothing.
type engineCounter struct{ name string }

func (*engineCounter) count(result, int) bool  { return false }
func (*engineCounter) dirty() bool             { return true }
func (*engineCounter) timed() bool             { return true }
func (*engineCounter) slow(time.Duration) bool { return false }
func (*engineCounter) failures(time.Time) int  { return 0 }
func (*engineCounter) reset()                  {}

// engineName returns what the engine calls the circuit.
func (c *circuit) engineName() string {
	if e, ok := c.counter.(*engineCounter); ok {
		return e.name
	}
	return ""
}

// allowByEngine is allow for a Breaker with an Engine. The engine is asked for
// its state first: what passes an open circuit is a probe, and what passed just
// before it opened is none.
func (c *circuit) allowByEngine(set *settings) (permit, error) {
	w := c.word.Load()
	if o := c.open.Load(); o != nil && time.Until(o.until) > 0 && w&notClosed != 0 { // Hold, Open
		return c.refuse(set, w, o, &o.refusal)
	}
	name := c.engineName()
	state := set.engine.State(name)
	p, o, changes := c.admit(set, w, state, set.engine.Allow(name))
	for _, change := range changes {
		c.tellOrFree(set, change, p)
	}
	if o == nil {
		return p, nil
	}
	set.engine.Report(name, Result{Refused: true, Began: time.Now()})
	if p.found == HalfOpen {
		return c.refuse(set, p.word, o, &o.probing)
	}
	return c.refuse(set, p.word, o, &o.refusal)
}

// admit takes over what the engine said when the circuit's word was w. It
// returns an opening if the call is to be refused. Should the circuit have
// changed meanwhile, a call that passes is of its earlier state.
func (c *circuit) admit(set *settings, w uint64, s State, passes bool) (p permit, o *opening, changes [2]*Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p = permit{word: w}
	if c.generation() == w&^flags {
		changes[0] = c.follow(s)
		if passes && c.state != Closed {
			passes = int(c.probes) < set.probes
			p.probe = passes
		}
		if p.probe && c.state == Open {
			changes[1] = c.become(HalfOpen)
		}
		if p.probe {
			c.probes++
		}
		p.word, p.found = c.word.Load(), c.state
	}
	if passes {
		return p, nil, changes
	}
	if o = c.open.Load(); o == nil { // the engine refuses though it is closed
		o = c.newOpening(0)
	}
	return p, o, changes
}

// follow takes over the engine's state.
func (c *circuit) follow(s State) *Change {
	switch {
	case s == Open && c.state == Closed:
		return c.trip(0)
	case s == Closed && c.state != Closed:
		return c.become(Closed)
	}
	return nil
}

// reportToEngine is report for a Breaker with an Engine. What the circuit has
// not heard of yet counts too: where the engine has opened it meanwhile, the
// result is late.
func (c *circuit) reportToEngine(set *settings, p permit, v Verdict, began time.Time) {
	c.mu.Lock()
	current := c.generation() == p.word&^flags
	if current && p.probe {
		c.probes--
	}
	c.mu.Unlock()
	if !current || v.Outcome == Neutral {
		return
	}
	name, failed := c.engineName(), v.Outcome == Failed
	if p.probe || set.engine.State(name) == Closed {
		set.engine.Report(name, Result{
			Failed: failed, TimedOut: failed && v.Category == TimedOut,
			Began: began, Took: time.Since(began),
		})
	}
	state := set.engine.State(name)

	c.mu.Lock()
	var change *Change
	if c.generation() == p.word&^flags {
		change = c.followReport(p, failed, state)
	}
	c.mu.Unlock()
	set.tell(change)
}

func (c *circuit) followReport(p permit, failed bool, s State) *Change {
	if failed {
		c.lastFail = time.Now().UnixNano()
	}
	if p.probe && s == Open {
		return c.trip(0)
	}
	return c.follow(s)
}
