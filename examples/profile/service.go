package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

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

// A service has the profiles of users.
type service struct {
	client *http.Client
	url    string
}

// load gets one profile. It knows nothing of retries, circuits or caches; the
// Trip is there to tell where the answer came from.
func (s service) load(ctx context.Context, id int) (p profile, from transport.Answer, err error) {
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
