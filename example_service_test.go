package safetrip_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

// One Agent for several services, each treated in its own way.
func ExampleAgent_Service() {
	payments := safetrip.PresetPayments()
	payments.Hosts = []string{"pay.example.com"} // by the Agent's own client too

	agent, err := safetrip.New("billing", safetrip.Config{
		Services: map[string]safetrip.Config{
			"payments": payments,
			"llm":      safetrip.PresetLLM(),
			"db":       {Timeout: transport.Timeout{Headers: time.Second}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer agent.Close()

	client := agent.Service("llm").Client() // an *http.Client, for an SDK say
	fmt.Printf("%T\n", client)

	_, err = agent.Service("lmm").Client().Get("https://llm.example.com")
	fmt.Println(errors.Unwrap(err))
	// Output:
	// *http.Client
	// safetrip: no service "lmm" among Config.Services; there are db, llm, payments
}

// Work that is not HTTP gets the same treatment: tried again, guarded by a
// circuit, done in another way if it cannot be done.
func ExampleService_Do() {
	agent, err := safetrip.New("billing", safetrip.Config{
		Logger:   slog.New(slog.DiscardHandler),
		Services: map[string]safetrip.Config{"db": {Retry: transport.Retry{BaseDelay: time.Millisecond}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer agent.Close()

	ctx, trip := transport.NewTrip(context.Background())
	var user string
	err = agent.Service("db").Do(ctx, "load user",
		func(context.Context) error { return driver.ErrBadConn }, // the query
		func(context.Context) error { user = "guest"; return nil },
	)
	fmt.Println(user, err)
	fmt.Println(len(trip.Attempts()), "attempts, level", trip.Answer().Level)
	// Output:
	// guest <nil>
	// 3 attempts, level degraded
}

// A file is laid over a preset, and the environment over the file.
func ExampleConfig_LoadJSON() {
	cfg := safetrip.PresetReadOnly()
	file := strings.NewReader(`{
	  "retry": {"max_attempts": 6, "base_delay": "100ms"},
	  "breaker": {"rule": {"ratio": {"share": 0.3}}}
	}`)
	if err := cfg.LoadJSON(file); err != nil {
		fmt.Println(err)
	}
	if err := cfg.LoadEnv("BILLING"); err != nil { // BILLING_RETRY_MAX_ATTEMPTS=5
		fmt.Println(err)
	}
	fmt.Println(cfg.Retry.MaxAttempts, cfg.Retry.BaseDelay, cfg.Breaker.Rule)

	fmt.Println(cfg.LoadJSON(strings.NewReader(`{
	  "retry": {"max_atempts": 6}
	}`)))
	// Output:
	// 6 100ms {0.3 0 0s}
	// safetrip: Config: line 2: retry.max_atempts: unknown key, want one of base_delay, budget, jitter, max_attempts, max_body_buffer, max_delay, max_hint, retry_unsafe_methods, retry_unsafe_on
}

// Settings change while calls are on their way.
func ExampleAgent_Reconfigure() {
	cfg := safetrip.Config{Logger: slog.New(slog.DiscardHandler)}
	agent, err := safetrip.New("billing", cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer agent.Close()
	mux := http.NewServeMux()
	mux.Handle("/healthz", agent.Healthz()) // stays the same

	cfg.Retry.MaxAttempts = 5
	fmt.Println(agent.Reconfigure(cfg))

	cfg.Retry.MaxDelay = -1
	fmt.Println(agent.Reconfigure(cfg))
	// Output:
	// <nil>
	// transport: Retry.MaxDelay is -1ns; it must not be negative
}
