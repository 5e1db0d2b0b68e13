package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/hellofresh/health-go/v5"
)

// hellofresh is hellofresh/health-go, as many checks at once as it has by
// default.
var hellofresh = prober{
	name: "health-go", does: "checks in the probe",
	open: func(n int, check func(context.Context) error) (http.Handler, func(), error) {
		var configs []health.Config
		for i := range n {
			configs = append(configs, health.Config{Name: fmt.Sprintf("check-%d", i), Check: check})
		}
		h, err := health.New(health.WithChecks(configs...))
		if err != nil {
			return nil, nil, err
		}
		return h.Handler(), func() {}, nil
	},
}
