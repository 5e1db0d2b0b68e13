package fallback_test

import (
	"net/http"
	"testing"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

func TestContract(t *testing.T) {
	wrappers := map[string]func(http.RoundTripper) http.RoundTripper{
		"Ladder without steps": func(next http.RoundTripper) http.RoundTripper { return new(fallback.Ladder).Wrap(next) },
		"Cache":                func(next http.RoundTripper) http.RoundTripper { return new(fallback.Cache).Wrap(next) },
		"Cache that serves fresh": func(next http.RoundTripper) http.RoundTripper {
			return (&fallback.Cache{ServeFresh: true, Heuristic: true, Coalesce: true}).Wrap(next)
		},
		"Ladder around Cache": layered,
	}
	for name, wrap := range wrappers {
		t.Run(name, func(t *testing.T) {
			t.Run("HTTP1", func(t *testing.T) { rttest.Test(t, wrap) })
			t.Run("HTTP2", func(t *testing.T) { rttest.Suite{HTTP2: true}.Run(t, wrap) })
		})
	}
	rttest.Suite{Omit: map[string]string{
		"body-unread": "what a POST asks for is read from a copy of its body",
	}}.Run(t, func(next http.RoundTripper) http.RoundTripper {
		return (&fallback.Cache{PostKey: fallback.BodyKey, SingleUser: true}).Wrap(next)
	})
}
