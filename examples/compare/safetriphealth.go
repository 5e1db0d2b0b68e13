package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/safetrip-go/safetrip/healthz"
)

// kitMonitor is the kit's Monitor, whose checks run in the background.
var kitMonitor = prober{
	name: "safetrip Monitor", does: "checks in the background, each every 30 s",
	open: func(n int, check func(context.Context) error) (http.Handler, func(), error) {
		var m healthz.Monitor
		for i := range n {
			m.Checks = append(m.Checks, healthz.Func(fmt.Sprintf("check-%d", i), check))
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		end := func() {
			cancel()
			<-ended //nolint:errcheck // nobody is left to be told
		}
		return &m, end, ready(&m, ended)
	},
}

// ready waits until every check has run once.
func ready(m *healthz.Monitor, ended <-chan error) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10_000 {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
		}
		checks := m.Report().Checks
		if len(checks) > 0 && !slices.ContainsFunc(checks, pending) {
			return nil
		}
	}
	return errors.New("the checks do not run")
}

func pending(c healthz.CheckReport) bool { return c.Status == "pending" }
