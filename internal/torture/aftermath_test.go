package torture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/safetrip-go/safetrip/transport"
)

// calm ends the storm, and waits for the sun: all circuits close again, and
// there are as many places as ever.
func (s *storm) calm() {
	if err := s.chaos.Set(); err != nil {
		s.Fatal(err)
	}
	s.Logf("%d calls met chaos, %d operations of sockets failed", s.chaos.Injected(), s.network.calm())
	s.client.CloseIdleConnections()
	for _, to := range s.servers {
		well := func() bool { return s.fetch(to.server.URL+"/items/1") == nil && s.closed(to.server.URL) }
		if !eventually(well) {
			s.Errorf("after the storm: %v; circuits %v", s.fetch(to.server.URL+"/items/1"), s.breaker.States())
		}
		s.meeting.begin()
		var wg sync.WaitGroup
		for range places {
			wg.Go(func() {
				if err := s.fetch(to.server.URL + "/meeting"); err != nil {
					s.Errorf("%d calls by %s at once, for as many places: %v", places, to.protocol, err)
				}
			})
		}
		wg.Wait()
	}
}

// closed reports whether a server's circuit is closed.
func (s *storm) closed(key string) bool {
	return slices.ContainsFunc(s.breaker.States(), func(c transport.Circuit) bool {
		return c.Key == key && c.State == transport.Closed
	})
}

// fetch gets what a server has, from there and nowhere else.
func (s *storm) fetch(url string) error {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	ctx, trip := transport.NewTrip(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || trip.Answer().Source == transport.SourceCache {
		err = fmt.Errorf("%s from %q", resp.Status, trip.Answer().Source)
	}
	return errors.Join(err, resp.Body.Close())
}

// A meeting is of as many requests as there are places: none is answered before
// all have come.
type meeting struct {
	mu   sync.Mutex // guards the rest
	n    int
	full chan struct{}
}

func (m *meeting) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n, m.full = 0, make(chan struct{})
}

func (m *meeting) join(_ http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	if m.n++; m.n == places {
		close(m.full)
	}
	full := m.full
	m.mu.Unlock()
	select {
	case <-full:
	case <-r.Context().Done():
	}
}

// settle looks for what was left behind.
func (s *storm) settle() {
	if t := s.health.Sources.Traffic(); t.InFlight != 0 {
		s.Errorf("Stats has %d calls in flight, want none", t.InFlight)
	}
	s.agent.Close()
	left := func() string {
		s.client.CloseIdleConnections()
		c, g, bodies := s.network.open.Load(), runtime.NumGoroutine()-s.routine, s.bodies.n.Load()
		if c == 0 && g <= 0 && bodies == 0 {
			return ""
		}
		return fmt.Sprintf("%d connections, %d goroutines and %d bodies", c, g, bodies)
	}
	if !eventually(func() bool { return left() == "" }) {
		s.Errorf("%s are left", left())
	}
}

// account holds what the callers, the kit, net/http and the server know of each
// call against each other.
func (s *storm) account(calls int64) {
	var ended, answered, seen, attempts, sent, replays int64
	for what, n := range s.what {
		if strings.HasPrefix(what, "answered") || strings.HasPrefix(what, "failed") {
			ended += int64(n)
		}
	}
	for _, c := range s.ledger.calls {
		c.account(1, s.Errorf)
		a, perhaps := c.sent()
		attempts, sent = attempts+a, sent+perhaps
		seen, replays = seen+c.seen.Load(), replays+c.replays.Load()
		if c.answered {
			answered++
		}
	}
	s.Logf("the server answered %d calls and saw %d requests; of %d attempts %d may have been sent, and net/http replayed %d",
		answered, seen, attempts, sent, replays)
	for _, what := range slices.Sorted(maps.Keys(s.what)) {
		s.Logf("%6d %s", s.what[what], what)
	}
	if ended != calls || int64(len(s.ledger.calls)) != calls {
		s.Errorf("%d answers and failures of %d calls, want %d", ended, len(s.ledger.calls), calls)
	}
	if answered > seen || seen > sent+replays {
		s.Error("the sums do not add up")
	}
}
