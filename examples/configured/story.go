package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

// documents are gone by in turn. The first and the last are YAML; the one in
// between is JSON, and has a fault.
var documents = []string{`retry:
  max_attempts: 2
  base_delay: 1ms
`, `{
  "retry": {
    "max_atempts": 6
  }
}
`, `retry:
  max_attempts: 4
  base_delay: 1ms
breaker:
  rule:
    ratio: {share: 0.9}
`}

// story shows what becomes of a call under each of the documents.
func story(ctx context.Context, out io.Writer) error {
	agent, err := safetrip.New("configured", safetrip.Config{Base: flaky})
	if err != nil {
		return err
	}
	defer agent.Close()
	for _, document := range documents {
		cfg, err := load([]byte(document))
		if err == nil {
			cfg.Base = flaky
			cfg.Logger = slog.New(slog.DiscardHandler) // what fails, fails on purpose
			err = agent.Reconfigure(cfg)
		}
		fmt.Fprintf(out, "%s→ %s\n", document, orOK(err))

		attempts, status, err := call(ctx, agent.Client(), "http://service.test")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  a call makes %d attempts, and ends with %d\n\n", attempts, status)
	}
	return nil
}

// flaky is a service that answers the third attempt of a call, and none before.
var flaky = transport.Func(func(req *http.Request) (*http.Response, error) {
	status := http.StatusServiceUnavailable
	if transport.AttemptOf(req.Context()) >= 3 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: req}, nil
})

func call(ctx context.Context, client *http.Client, url string) (attempts, status int, err error) {
	ctx, trip := transport.NewTrip(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	return len(trip.Attempts()), resp.StatusCode, resp.Body.Close()
}
