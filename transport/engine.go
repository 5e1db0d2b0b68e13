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
	Took     time.Duration // until the headers were there
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

// allowByEngine is allow for a Breaker with an Engine.
func (c *circuit) allowByEngine(b *Breaker) (permit, error) {
	if o := c.open.Load(); o != nil && time.Until(o.until) > 0 && c.word.Load()&notClosed != 0 { // Hold, Open
		return c.refuse(b, c.word.Load(), o, &o.refusal)
	}
	name := c.engineName()
	passes := b.Engine.Allow(name)
	state := b.Engine.State(name)

	c.mu.Lock()
	changes := []*Change{c.follow(state)}
	probe := passes && c.state != Closed
	if probe && int(c.probes) >= b.Probes {
		passes, probe = false, false
	}
	if probe && c.state == Open {
		changes = append(changes, c.become(HalfOpen))
	}
	if probe {
		c.probes++
	}
	w, o := c.word.Load(), c.open.Load()
	c.mu.Unlock()

	for _, change := range changes {
		b.tell(change)
	}
	if passes || o == nil {
		p := permit{word: w, probe: probe}
		if probe {
			p.found = HalfOpen
		}
		return p, nil
	}
	b.Engine.Report(name, Result{Refused: true, Began: time.Now()})
	return c.refuse(b, w, o, &o.refusal)
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

// reportToEngine is report for a Breaker with an Engine.
func (c *circuit) reportToEngine(b *Breaker, p permit, v Verdict, began time.Time) {
	c.mu.Lock()
	current := c.generation() == p.word&^flags
	if current && p.probe {
		c.probes--
	}
	c.mu.Unlock()
	if !current || v.Outcome == Neutral {
		return
	}
	name := c.engineName()
	b.Engine.Report(name, Result{
		Failed: v.Outcome == Failed, TimedOut: v.Category == TimedOut,
		Began: began, Took: time.Since(began),
	})
	state := b.Engine.State(name)

	c.mu.Lock()
	var change *Change
	if c.generation() == p.word&^flags {
		change = c.followReport(p, v, state)
	}
	c.mu.Unlock()
	b.tell(change)
}

func (c *circuit) followReport(p permit, v Verdict, s State) *Change {
	if v.Outcome == Failed {
		c.lastFail = time.Now().UnixNano()
	}
	if p.probe && s == Open {
		return c.trip(0)
	}
	return c.follow(s)
}
