package transport

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/safetrip-go/safetrip/internal/table"
)

// Stats counts calls: in all, and over a sliding window with their latencies.
// [Record] fills it; health and metrics read it. The zero value is ready to
// use. All methods may be called concurrently.
//
// It is striped: calls on different cores count in different parts where they
// can, so that they seldom meet. Nothing is lost by that; Traffic adds the parts
// up.
type Stats struct {
	// Window is the length of the sliding window, kept in twelve slots. If
	// zero or negative, it is 60 s.
	Window time.Duration

	once    sync.Once
	began   time.Time // what times are counted from: the monotonic clock is the cheaper one
	window  time.Duration
	slot    time.Duration
	stripes []stripe
	spread  spread

	// consecutive has an entry for each operation that ever failed. While there
	// is none, a success costs one atomic load.
	consecutive table.Table[operation, streak]
}

// A streak is an operation's failures in a row.
type streak struct {
	length atomic.Int64
	last   atomic.Int64 // a time.Duration since the Stats was made
}

const (
	maxOperations = 1000 // whose streaks are kept
	streakMemory  = 10 * time.Minute
)

func (s *Stats) init() {
	s.once.Do(func() {
		s.window = s.Window
		if s.window <= 0 {
			s.window = time.Minute
		}
		s.began = time.Now()
		s.slot = max(1, s.window/statSlots)
		s.stripes = make([]stripe, min(runtime.GOMAXPROCS(0), 32))
		s.consecutive.Max = maxOperations
	})
}

// A mark is what a call in flight keeps until it is counted.
type mark struct {
	stripe *stripe
	began  time.Duration // since the Stats was made
}

func (s *Stats) begin() mark {
	p := &s.stripes[s.spread.of(len(s.stripes))]
	p.begun.Add(1)
	return mark{p, time.Since(s.began)}
}

func (s *Stats) end(req *http.Request, m mark, v *Verdict) {
	now := time.Since(s.began)
	m.stripe.count(now, now-m.began, s.slot, v)
	switch {
	case v.Outcome == Failed:
		op := operationOf(req)
		f := s.consecutive.GetOrAdd(op, func() (operation, *streak) { return op.clone(), new(streak) })
		f.last.Store(int64(now))
		f.length.Add(1)
	case v.Outcome == Success && s.consecutive.Len() > 0:
		if f := s.consecutive.Get(operationOf(req)); f != nil {
			f.length.Store(0)
		}
	}
}

// Traffic returns what was counted so far, and the window that ends now.
func (s *Stats) Traffic() Traffic {
	s.init()
	var all totals
	var window slot
	now := slotOf(time.Since(s.began), s.slot)
	var inFlight uint64
	for i := range s.stripes {
		inFlight += s.stripes[i].addTo(&all, &window, now)
	}
	t := Traffic{
		Succeeded:   all.outcomes[Success],
		Failed:      all.outcomes[Failed],
		Neutral:     all.outcomes[Neutral],
		InFlight:    int64(inFlight),
		Window:      window.snapshot(s.window),
		Errors:      all.byKind(),
		Consecutive: s.inARow(),
	}
	t.Total = t.Succeeded + t.Failed + t.Neutral
	if t.Total > 0 {
		t.Mean = time.Duration(uint64(all.took) / t.Total)
		t.Last = s.began.Add(all.last).Round(0)
	}
	return t
}

// inARow returns the failures in a row of each operation that has any. An
// operation that nobody does any more is forgotten: nobody misses it.
func (s *Stats) inARow() map[string]int {
	counts := make(map[string]int)
	now := time.Since(s.began)
	for op, f := range s.consecutive.All {
		if n := f.length.Load(); n > 0 && now-time.Duration(f.last.Load()) < streakMemory {
			counts[op.String()] = int(n)
		}
	}
	return counts
}
