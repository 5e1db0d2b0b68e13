package fallback

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A levelKey is what requests share a level by: scheme and authority, kept
// apart so that a lookup builds no string; or a user's own key as the host.
type levelKey struct{ scheme, host string }

func (k levelKey) String() string {
	if k.scheme == "" {
		return k.host
	}
	return k.scheme + "://" + k.host
}

func (l *Ladder) keyOf(req *http.Request) levelKey {
	switch {
	case l.Key != nil:
		return levelKey{host: l.Key(req)}
	case req.URL == nil:
		return levelKey{}
	}
	scheme := strings.ToLower(req.URL.Scheme)
	return levelKey{scheme, authority(scheme, req.URL.Host)}
}

// A level is one key's place on the ladder.
type level struct {
	down atomic.Bool // something of it is not as it was made; read without mu

	mu     sync.Mutex // guards the rest
	now    transport.Level
	since  time.Time
	told   time.Time // when a call last failed
	reason transport.Category
	missed int // calls left without an answer in a row
}

// levelMemory is how long a level below full holds when no call says so any
// more: if none ever comes, nobody misses the service.
const levelMemory = 10 * time.Minute

// recovered is told that the service answered.
func (l *Ladder) recovered(req *http.Request) {
	key := l.keyOf(req)
	p := l.levels.Get(key)
	if p == nil || !p.down.Load() {
		return
	}
	l.change(key, p, func() {
		p.missed = 0
		p.set(transport.Full)
	})
}

// degraded is told that a step answered for a service that failed with v.
func (l *Ladder) degraded(req *http.Request, v transport.Verdict) {
	key, p := l.at(req)
	l.change(key, p, func() {
		p.missed, p.reason, p.told = 0, v.Category, time.Now()
		p.set(transport.Degraded)
	})
}

// unanswered is told that nobody answered.
func (l *Ladder) unanswered(req *http.Request, v transport.Verdict) {
	key, p := l.at(req)
	l.change(key, p, func() {
		p.missed++
		p.reason, p.told = v.Category, time.Now()
		if l.OfflineAfter > 0 && p.missed >= l.OfflineAfter {
			p.set(transport.Offline)
		}
	})
}

func (l *Ladder) at(req *http.Request) (levelKey, *level) {
	key := l.keyOf(req)
	return key, l.levels.GetOrAdd(key, func() (levelKey, *level) {
		return levelKey{strings.Clone(key.scheme), strings.Clone(key.host)}, new(level)
	})
}

// change changes p by f, and tells OnChange afterwards if the level is another.
func (l *Ladder) change(key levelKey, p *level, f func()) {
	p.mu.Lock()
	p.lapse()
	before := p.now
	f()
	p.down.Store(p.now != transport.Full || p.missed > 0)
	changed, state := p.now != before, p.state(l.Name, key)
	p.mu.Unlock()
	if changed && l.OnChange != nil {
		l.OnChange(state)
	}
}

func (p *level) set(to transport.Level) {
	if p.now != to {
		p.now, p.since = to, time.Now()
	}
}

func (p *level) state(name string, key levelKey) transport.LadderState {
	return transport.LadderState{Ladder: name, Key: key.String(), Level: p.now, Since: p.since, Reason: p.reason}
}

// lapse makes the level full if no call has told of it for long.
func (p *level) lapse() {
	if p.now != transport.Full && time.Since(p.told) >= levelMemory {
		p.now, p.since, p.missed = transport.Full, p.told.Add(levelMemory), 0
	}
}

func (l *Ladder) levelOf(req *http.Request) transport.Level {
	p := l.levels.Get(l.keyOf(req))
	if p == nil {
		return transport.Full
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lapse()
	return p.now
}

// States returns the level of each key that ever left full, sorted by key. One
// that no call failed for in 10 minutes is full again.
func (l *Ladder) States() []transport.LadderState {
	l.once.Do(l.init)
	var states []transport.LadderState
	for key, p := range l.levels.All {
		p.mu.Lock()
		p.lapse()
		states = append(states, p.state(l.Name, key))
		p.mu.Unlock()
	}
	slices.SortFunc(states, func(a, b transport.LadderState) int { return cmp.Compare(a.Key, b.Key) })
	return states
}

// Answers returns how many answers the steps gave, by where they had them
// from. What the service answered is not among them.
func (l *Ladder) Answers() map[transport.Source]uint64 {
	l.once.Do(l.init)
	return l.tally.all()
}

// tally counts answers by source. Sources of users' own steps are few: those
// past maxSources count as "other".
type tally struct {
	mu     sync.Mutex // guards counts
	counts map[transport.Source]uint64
}

const (
	maxSources                   = 32
	otherSource transport.Source = "other"
)

func (t *tally) add(s transport.Source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = make(map[transport.Source]uint64)
	}
	if _, known := t.counts[s]; !known && len(t.counts) >= maxSources {
		s = otherSource
	}
	t.counts[s]++
}

func (t *tally) all() map[transport.Source]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
