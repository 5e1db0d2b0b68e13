package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// story goes by three files in turn, the second of which has a fault.
func story(ctx context.Context, out io.Writer) error {
	service := rttest.Script(503, 503, 503, 503, 503, 503, 503, 200)
	agent, err := safetrip.New("configured", safetrip.Config{Base: service})
	if err != nil {
		return err
	}
	defer agent.Close()
	for _, document := range []string{
		"retry:\n  max_attempts: 2\n  base_delay: 1ms\n",
		"retry:\n  max_atempts: 6\n",
		"retry:\n  max_attempts: 4\n  base_delay: 1ms\nbreaker:\n  rule:\n    ratio: {share: 0.9}\n",
	} {
		cfg, err := load([]byte(document))
		if err == nil {
			cfg.Base = service
			err = agent.Reconfigure(cfg)
		}
		fmt.Fprintf(out, "%s→ %s\n", document, orOK(err))

		attempts, status, err := call(ctx, agent.Client())
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  a call makes %d attempts, and ends with %d\n\n", attempts, status)
	}
	return nil
}

func call(ctx context.Context, client *http.Client) (attempts, status int, err error) {
	ctx, trip := transport.NewTrip(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://service.test/", nil)
	if err != nil {
		return 0, 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	return len(trip.Attempts()), resp.StatusCode, resp.Body.Close()
}
