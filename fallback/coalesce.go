package fallback

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/internal/layer"
	"github.com/safetrip-go/safetrip/transport"
)

// flights are the calls that others wait for.
type flights struct {
	mu sync.Mutex // guards up
	up map[digest]*flight
}

// A flight is a call that is under way, until what it was answered is stored
// or known not to be.
type flight struct {
	leader context.Context // of the call
	landed chan struct{}
	answer outcome // set before landed is closed
}

// outcome is what others can expect of a flight that has landed.
type outcome uint8

const (
	lost     outcome = iota // the call failed, or its caller left: somebody else must fly
	withheld                // what it was answered is for itself alone
	shared                  // it is stored
	tooSlow                 // it has not landed
)

// join returns the flight for k, and whether the caller, whose context is ctx,
// is to fly it.
func (f *flights) join(ctx context.Context, k digest) (*flight, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.up[k]; fl != nil {
		return fl, false
	}
	if f.up == nil {
		f.up = make(map[digest]*flight)
	}
	fl := &flight{leader: ctx, landed: make(chan struct{})}
	f.up[k] = fl
	return fl, true
}

// land ends a flight. The first outcome stands.
func (f *flights) land(k digest, fl *flight, how outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.up[k] == fl {
		delete(f.up, k)
		fl.answer = how
		close(fl.landed)
	}
}

// followTime is how long a call waits for another one.
const followTime = 5 * time.Second

// share asks the service, or waits for a call that does so already and takes
// what was stored of that. It never takes the response itself: what is stored
// says whom it is for.
func (c *caching) share(a *asking, e *entry) (*http.Response, error) {
	key := c.addressOf(a, "").variant
	deadline := time.Now().Add(followTime)
	for {
		fl, first := c.flights.join(a.Context(), key)
		if first {
			return c.fly(a, e, key, fl)
		}
		how, err := fl.wait(a.Context(), time.Until(deadline))
		switch {
		case err != nil:
			layer.CloseBody(a.Request)
			return nil, err
		case how == tooSlow:
			c.flights.land(key, fl, withheld) // lest it hold up the next one too
		}
		if how != lost { // a 304 that was withheld, say, may have made fresh what there is
			e = c.find(a)
			if resp := c.serveCollapsed(a, e); resp != nil {
				transport.TripFrom(a.Context()).SetLeader(fl.leader)
				return resp, nil
			}
			return c.validate(a, e, nil)
		}
	}
}

// wait returns how the flight ended, or that it did not.
func (fl *flight) wait(ctx context.Context, most time.Duration) (outcome, error) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-fl.landed:
		return fl.answer, nil
	case <-timer.C:
		return tooSlow, nil
	case <-ctx.Done():
		return lost, context.Cause(ctx)
	}
}

// fly asks the service for all who wait.
func (c *caching) fly(a *asking, e *entry, key digest, fl *flight) (*http.Response, error) {
	flying := true
	land := func(how outcome) { c.flights.land(key, fl, how) }
	defer func() {
		if flying { // an error, or a panic
			land(lost)
		}
	}()
	resp, err := c.validate(a, e, land)
	flying = err != nil
	return resp, err
}

func (c *caching) serveCollapsed(a *asking, e *entry) *http.Response {
	if e == nil {
		return nil
	}
	kept, ok := e.kept(time.Now())
	if use := e.uses(e.age+kept, a.control); !ok || use != useFresh && use != useStale {
		return nil
	}
	layer.CloseBody(a.Request)
	return c.serve(a, e, e.age+kept, facts{why: fwdMiss, collapsed: true})
}
