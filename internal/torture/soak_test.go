package torture

import (
	"cmp"
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	soakCalls = flag.Int("soak", 6_000, "how many calls TestSoak makes; with -short it is a quarter")
	soakSeed  = flag.Uint64("soakseed", 0, "what TestSoak's dice begin with; if zero, something else each time")
)

// callers is how many calls are under way at once.
const callers = 64

// TestSoak makes very many calls through a storm, and accounts for each of them
// by its number.
func TestSoak(t *testing.T) {
	calls := int64(*soakCalls)
	if testing.Short() {
		calls /= 4
	}
	s := newStorm(t, cmp.Or(*soakSeed, rand.Uint64()))
	t.Logf("%d calls, -soakseed=%d", calls, s.seed)
	var begun atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for begun.Add(1) <= calls {
				s.call()
			}
		})
	}
	wg.Wait()
	s.calm()
	s.settle()
	s.account(calls)
}
