package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// A profile is what the directory knows of a user.
type profile struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// unknownUser is the ladder's last step: a profile that says that it is made up.
func unknownUser() fallback.Step {
	step := fallback.JSON(http.StatusOK, profile{Name: "unknown user"})
	step.Name = "default"
	return step
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A service asks for profiles, and tells where each came from.
type service struct {
	client *http.Client
	url    string
	out    io.Writer

	counts map[string]int // by source
	asked  int
}

// users is how many there are. The calls are spread over them unevenly, as
// calls are.
const users = 12

func (s *service) ask(ctx context.Context, calls int, seed uint64) error {
	s.counts = make(map[string]int)
	random := rand.New(rand.NewPCG(seed, 1))
	for s.asked = range calls {
		p, answer, err := s.load(ctx, min(random.IntN(users), random.IntN(users))+1)
		if err != nil {
			return err
		}
		source := sourceOf(answer)
		s.counts[source]++
		fmt.Fprintf(s.out, "%4d  %-14s  %-8v  %s\n", s.asked+1, source, answer.Level, p.Name)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	s.asked = calls
	return nil
}

// load gets one profile. It knows nothing of retries, circuits or caches.
func (s *service) load(ctx context.Context, id int) (p profile, from transport.Answer, err error) {
	ctx, trip := transport.NewTrip(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/users/%d", s.url, id), nil)
	if err != nil {
		return p, from, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return p, from, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return p, from, fmt.Errorf("user %d: %s", id, resp.Status)
	}
	err = json.NewDecoder(resp.Body).Decode(&p)
	return p, trip.Answer(), err
}

// sourceOf names where an answer came from, as the Trip has it.
func sourceOf(a transport.Answer) string {
	switch {
	case a.Source == transport.SourceCache && a.Step != "":
		return "cache_fallback" // the service failed, and the ladder asked the cache
	case a.Source == transport.SourceCache:
		return "cache" // it was fresh, and the service was not asked
	case a.Step != "":
		return a.Step
	}
	return "external_api"
}

func (s *service) summary(served int) {
	fmt.Fprintln(s.out)
	for _, source := range []string{"cache", "external_api", "cache_fallback", "default"} {
		fmt.Fprintf(s.out, "%-14s  %3d\n", source, s.counts[source])
	}
	hits := s.counts["cache"] + s.counts["cache_fallback"]
	fmt.Fprintf(s.out, "hit rate        %3.0f %%  of %d calls; the directory saw %d\n", 100*float64(hits)/float64(s.asked), s.asked, served)
}
