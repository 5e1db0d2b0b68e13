package transport_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// A wrapper of the package. Whatever has state is made anew at each Wrap, so
// that no two rules share it.
type wrapper struct {
	name string
	wrap transport.Middleware
}

// each returns every wrapper, with the waits that a test has time for.
func each() []wrapper {
	retry := transport.Retry{BaseDelay: time.Millisecond, MaxHint: time.Millisecond}
	return []wrapper{
		{"Record", transport.Record{Stats: new(transport.Stats)}.Wrap},
		{"Deadline", transport.Deadline{Total: time.Minute}.Wrap},
		{"Retry", retry.Wrap},
		{"Buffer", transport.Buffer{}.Wrap},
		{"Breaker", func(rt http.RoundTripper) http.RoundTripper { return new(transport.Breaker).Wrap(rt) }},
		{"Limit", transport.Limit{Concurrency: 1000}.Wrap},
		{"Timeout", transport.Timeout{Headers: time.Minute, Idle: time.Minute}.Wrap},
	}
}

// chain is all of them, in their order.
func chain(rt http.RoundTripper) http.RoundTripper {
	var wrappers []transport.Middleware
	for _, w := range each() {
		if w.name != "Buffer" {
			wrappers = append(wrappers, w.wrap)
		}
	}
	return transport.Chain(rt, wrappers...)
}

// Buffer is there to break some rules: it reads ahead, and waits for the end.
var buffers = map[string]string{
	"response-unread":   "it reads small bodies ahead",
	"cut-body":          "it makes an error of a small body that is cut",
	"cut-chunks":        "it makes an error of a small body that is cut",
	"close-ends-read":   "it waits for the end of a small body",
	"duplex":            "it waits for the end of a small body",
	"hang-up-in-body":   "it waits for the end of a small body",
	"hang-up-arrives":   "it waits for the end of a small body",
	"endless-discarded": "it waits for the end of a small body",
}

func TestContract(t *testing.T) {
	for _, w := range each() {
		t.Run(w.name, func(t *testing.T) {
			omit := map[string]string{"large-over-connection": "it takes its time, and the chain has all of them"}
			if w.name == "Buffer" {
				maps.Copy(omit, buffers)
			}
			rttest.Suite{Omit: omit}.Run(t, w.wrap)
		})
	}
	t.Run("chain", func(t *testing.T) { rttest.Test(t, chain) })
	t.Run("chain over HTTP 2", func(t *testing.T) { rttest.Suite{HTTP2: true}.Run(t, chain) })
}
