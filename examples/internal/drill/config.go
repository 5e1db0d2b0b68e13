package drill

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

// Config is an agent's, made for a demonstration that is over in seconds: short
// delays and open times, no budget for retries, small bodies read ahead, and a
// last step that makes an answer up. Timeout is the client's patience with one
// call. A program of yours begins with safetrip.Config{}.
func Config(timeout time.Duration, onChange func(transport.Change)) safetrip.Config {
	return safetrip.Config{
		Retry: transport.Retry{
			MaxAttempts: 4, BaseDelay: 50 * time.Millisecond, MaxDelay: 400 * time.Millisecond,
			Budget: &transport.Budget{Ratio: -1},
		},
		Breaker: &transport.Breaker{
			FailureThreshold: 5, OpenFor: 500 * time.Millisecond, MaxOpenFor: time.Second,
			OnChange: onChange,
		},
		Timeout:  transport.Timeout{Headers: timeout / 8},
		Deadline: transport.Deadline{Total: timeout * 3 / 4},
		Buffer:   &transport.Buffer{},
		Health: &healthz.Monitor{
			Interval: time.Second,
			Detail:   func(*http.Request) bool { return true }, // it is served on the loopback interface alone
		},
		Steps:  []fallback.Step{fallback.JSON(http.StatusOK, map[string]string{"name": "guest", "plan": "free"})},
		Logger: slog.New(slog.DiscardHandler), // the examples show it in their own way
	}
}
