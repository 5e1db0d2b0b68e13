package telemetry

import (
	"strings"
	"sync"
)

// defaultMaxHosts is how many hosts have series of their own, as the field
// MaxHosts says.
const defaultMaxHosts = 100

// maxKept is how many sets of attributes of a kind are kept ready. Those longest
// unused are forgotten first, and made again when they are needed.
const maxKept = 2_000

// A limit admits the first so many values that it is asked about and no more,
// ever. Unlike a cache it never lets one go to admit another: a metric's
// series stays in memory, and on the page, once it was written to.
type limit struct {
	max   int
	mu    sync.Mutex // guards known
	known map[string]bool
}

// newLimit follows the rule of the fields: 0 is the default, negative is none.
func newLimit(n int) *limit {
	if n == 0 {
		n = defaultMaxHosts
	}
	return &limit{max: n, known: map[string]bool{}}
}

// admit reports whether s is one of the first. The empty string, which is no
// value, always is.
func (l *limit) admit(s string) bool {
	if s == "" {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[s] {
		return true
	}
	if len(l.known) >= l.max {
		return false
	}
	l.known[strings.Clone(s)] = true
	return true
}

// fold returns s, or _OTHER if it is not admitted.
func (l *limit) fold(s string) string {
	if l.admit(s) {
		return strings.Clone(s)
	}
	return other
}
