package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/alexliesenfeld/health"
)

// alexliesenfeld/health in its two ways: checks in the background, and checks
// in the probe, whose results it keeps for a second.
var (
	alexliesenfeldPeriodic = prober{
		name: "alexliesenfeld/health periodic", does: "checks in the background, each every 30 s",
		open: alexliesenfeldWith(func(c health.Check) health.CheckerOption {
			return health.WithPeriodicCheck(30*time.Second, 0, c)
		}),
	}
	alexliesenfeld = prober{
		name: "alexliesenfeld/health", does: "checks in the probe, at most each second",
		open: alexliesenfeldWith(health.WithCheck),
	}
)

func alexliesenfeldWith(option func(health.Check) health.CheckerOption) func(int, func(context.Context) error) (http.Handler, func(), error) {
	return func(n int, check func(context.Context) error) (http.Handler, func(), error) {
		var options []health.CheckerOption
		for i := range n {
			options = append(options, option(health.Check{Name: fmt.Sprintf("check-%d", i), Check: check}))
		}
		checker := health.NewChecker(options...)
		return health.NewHandler(checker), checker.Stop, nil
	}
}
