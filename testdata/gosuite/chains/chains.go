// Package chains names the chains that Go's tests are sent through. It is
// compiled into those tests.
package chains

import (
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// Wrap returns what puts the named chain around a RoundTripper, or nil if
// there is no such chain. The same RoundTripper gets the same chain again, with
// the state that it has by then, as in a program that sets its client's
// Transport once.
func Wrap(name string) transport.Middleware {
	wrap := byName[name]
	if wrap == nil {
		return nil
	}
	var made sync.Map
	return func(base http.RoundTripper) http.RoundTripper {
		if !reflect.ValueOf(base).Comparable() {
			return wrap(base)
		}
		if rt, ok := made.Load(base); ok {
			return rt.(http.RoundTripper)
		}
		rt, _ := made.LoadOrStore(base, wrap(base))
		return rt.(http.RoundTripper)
	}
}

var byName = map[string]transport.Middleware{
	// A layer that only hands on. If something differs here, the way that the
	// layers get into the tests is at fault.
	"identity": func(base http.RoundTripper) http.RoundTripper {
		return transport.Chain(base, func(next http.RoundTripper) http.RoundTripper { return transport.Func(next.RoundTrip) })
	},

	// The layers that judge and guard. The request passes as it is.
	"bystanders": func(base http.RoundTripper) http.RoundTripper {
		return transport.Chain(base, record(), new(transport.Breaker).Wrap, limit.Wrap)
	},

	// With those that give it another context.
	"timed": func(base http.RoundTripper) http.RoundTripper {
		return transport.Chain(base, record(), deadline.Wrap, new(transport.Breaker).Wrap, limit.Wrap, timeout.Wrap)
	},

	// With retries.
	"retry": func(base http.RoundTripper) http.RoundTripper {
		return transport.Chain(base, record(), deadline.Wrap, retry.Wrap, new(transport.Breaker).Wrap, limit.Wrap, timeout.Wrap)
	},

	// All that an Agent has, but for retries.
	"agent": func(base http.RoundTripper) http.RoundTripper {
		cache := new(fallback.Cache)
		ladder := &fallback.Ladder{Name: "gosuite", Steps: []fallback.Step{cache.Step()}}
		return transport.Chain(base, telemetry.Call{}.Wrap, ladder.Wrap, cache.Wrap, record(), deadline.Wrap,
			new(transport.Breaker).Wrap, limit.Wrap, timeout.Wrap, telemetry.Attempt{}.Wrap)
	},
}

// The limits are such that no test reaches them.
var (
	deadline = transport.Deadline{Total: time.Hour}
	retry    = transport.Retry{BaseDelay: time.Millisecond, Logger: logger}
	limit    = transport.Limit{Concurrency: 1000}
	timeout  = transport.Timeout{Headers: time.Hour, Idle: time.Hour}
)

func record() transport.Middleware {
	return transport.Record{Stats: new(transport.Stats), Logger: logger}.Wrap
}

// logger formats its lines and throws them away.
var logger = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))
