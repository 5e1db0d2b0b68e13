package transport

import "reflect"

// Inherit makes b go on with the circuits of from: what is open stays open, for
// as long as it would have. It is for a program that changes its settings while
// it runs. Calls that are on their way through from may still end there. It has
// no effect on a Breaker that is in use.
//
// Where Rule, Engine and MaxCircuits are those of from, both count failures
// together. Otherwise b takes over the circuits' states, and begins to count
// anew.
func (b *Breaker) Inherit(from *Breaker) {
	from.init()
	b.once.Do(func() { b.freeze(from) })
}

func (b *Breaker) takeOver(from *Breaker) {
	if b.circuits.Max == from.circuits.Max && same(b.settings.rule, from.settings.rule) && same(b.settings.engine, from.settings.engine) {
		b.circuits = from.circuits
		return
	}
	for k, c := range from.circuits.All {
		b.circuits.GetOrAdd(k, func() (hostKey, *circuit) { return k, c.transfer(b.settings) })
	}
}

// same reports whether two rules, or two engines, are one, so far as that can
// be told.
func same(x, y any) bool {
	return x == nil && y == nil ||
		x != nil && y != nil && reflect.ValueOf(x).Comparable() && reflect.ValueOf(y).Comparable() && x == y
}

// transfer returns a circuit under other rules in the state that c is in.
func (c *circuit) transfer(set *settings) *circuit {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := set.newCircuit(c.key)
	n.state, n.lastFail, n.openings, n.successes = c.state, c.lastFail, c.openings, c.successes
	n.open.Store(c.open.Load())
	n.setWord(0)
	return n
}
