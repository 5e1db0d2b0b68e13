package safetrip_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

// BenchmarkAgent is what a GET that goes well costs in the Agent's chain, over
// a base that answers at once: compare with the base's own row.
func BenchmarkAgent(b *testing.B) {
	answer := &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{"Cache-Control": {"no-store"}}}
	base := transport.Func(func(*http.Request) (*http.Response, error) { return answer, nil })
	for _, bb := range []struct {
		chain string
		rt    func() http.RoundTripper
	}{
		{"base", func() http.RoundTripper { return base }},
		{"without telemetry and Timeout", func() http.RoundTripper {
			return agentOver(b, base, safetrip.Telemetry|safetrip.Timeout)
		}},
		{"without telemetry", func() http.RoundTripper { return agentOver(b, base, safetrip.Telemetry) }},
		{"whole", func() http.RoundTripper { return agentOver(b, base, 0) }},
	} {
		rt := bb.rt()
		b.Run(bb.chain, func(b *testing.B) {
			req := request(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rt.RoundTrip(req); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.chain+", parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				req := request(b)
				for pb.Next() {
					if _, err := rt.RoundTrip(req); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func agentOver(b *testing.B, base http.RoundTripper, disable safetrip.Part) http.RoundTripper {
	cfg := quiet()
	cfg.Base, cfg.Disable = base, disable|safetrip.Health
	return newAgent(b, cfg).Transport()
}

// request has a context that can be canceled, and six headers.
func request(b *testing.B) *http.Request {
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://example.com/users/1?full=true", nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"Accept", "Accept-Encoding", "Authorization", "User-Agent", "X-Request-Id", "X-Tenant"} {
		req.Header.Set(name, "value")
	}
	return req
}
