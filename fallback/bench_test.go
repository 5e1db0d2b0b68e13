package fallback_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	gocache "github.com/patrickmn/go-cache"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// passing are answers that go through Ladder and Cache and leave no trace.
var passing = []struct {
	name   string
	header http.Header
	body   func() io.ReadCloser
	length int64
}{
	{"no body", http.Header{}, func() io.ReadCloser { return http.NoBody }, 0},
	{"no-store", http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/json"}}, body4K, 4 << 10},
	{"stream", http.Header{"Content-Type": {"text/event-stream"}}, body4K, -1},
	{"over the cap", http.Header{"Content-Type": {"video/mp4"}}, body4K, 1 << 30},
}

var payload = bytes.Repeat([]byte("x"), 4<<10)

// openBody is a body without a state, so that a stub can hand it out again.
type openBody struct{}

func (openBody) Read(p []byte) (int, error) { return 0, io.EOF }
func (openBody) Close() error               { return nil }

func body4K() io.ReadCloser { return openBody{} }

func stub(header http.Header, body io.ReadCloser, length int64) http.RoundTripper {
	return transport.Func(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: header, Body: body, ContentLength: length, Request: req}, nil
	})
}

func send(rt http.RoundTripper, req *http.Request) {
	if _, err := rt.RoundTrip(req); err != nil {
		panic(err)
	}
}

func benchRequest(url string) *http.Request {
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	for _, name := range []string{"Accept", "User-Agent", "Traceparent", "X-Request-Id", "Accept-Language", "Content-Type"} {
		req.Header.Set(name, "value")
	}
	return req
}

func layered(next http.RoundTripper) http.RoundTripper {
	cache := new(fallback.Cache)
	ladder := &fallback.Ladder{Name: "bench", Steps: []fallback.Step{cache.Step()}}
	return ladder.Wrap(cache.Wrap(next))
}

func BenchmarkPassing(b *testing.B) {
	for _, p := range passing {
		base := stub(p.header, p.body(), p.length)
		for _, with := range []struct {
			name string
			rt   http.RoundTripper
		}{{"bare", base}, {"ladder+cache", layered(base)}} {
			b.Run(p.name+"/"+with.name, func(b *testing.B) {
				req := benchRequest("http://example.com/a")
				b.ReportAllocs()
				for b.Loop() {
					send(with.rt, req)
				}
			})
		}
	}
}

// filled returns a transport whose cache has n fresh answers of 4 KiB.
func filled(b *testing.B, n int, header http.Header, cache *fallback.Cache) http.RoundTripper {
	b.Helper()
	base := transport.Func(func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(bytes.NewReader(payload)),
			ContentLength: int64(len(payload)), Request: req,
		}, nil
	})
	rt := cache.Wrap(base)
	for i := range n {
		resp, err := rt.RoundTrip(benchRequest("http://example.com/" + strconv.Itoa(i)))
		if err != nil {
			b.Fatal(err)
		}
		toEnd(resp.Body)
		resp.Body.Close()
	}
	return rt
}

func storable() http.Header {
	return http.Header{
		"Content-Type": {"application/json"}, "Cache-Control": {"max-age=3600"}, "Etag": {`"v1"`},
		"Date": {time.Now().UTC().Format(http.TimeFormat)}, "Content-Length": {"4096"},
	}
}

func BenchmarkHit(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		for _, vary := range []string{"", "Accept"} {
			b.Run(fmt.Sprintf("%d entries/vary=%s", n, vary), func(b *testing.B) {
				h := storable()
				if vary != "" {
					h.Set("Vary", vary)
				}
				rt := filled(b, n, h, &fallback.Cache{ServeFresh: true, MaxBytes: 1 << 30})
				req := benchRequest("http://example.com/0")
				b.ReportAllocs()
				for b.Loop() {
					resp, _ := rt.RoundTrip(req)
					if resp.Header["Age"] == nil {
						b.Fatal("not a hit")
					}
					resp.Body.Close()
				}
			})
		}
	}
}

func BenchmarkMissAndStore(b *testing.B) {
	rt := filled(b, 1, storable(), new(fallback.Cache))
	req := benchRequest("http://example.com/0")
	b.ReportAllocs()
	for b.Loop() {
		resp, _ := rt.RoundTrip(req)
		toEnd(resp.Body)
		resp.Body.Close()
	}
}

// BenchmarkParallel reads nine times for each time that it writes.
func BenchmarkParallel(b *testing.B) {
	const n = 1000
	b.Run("cache", func(b *testing.B) {
		rt := filled(b, n, storable(), &fallback.Cache{ServeFresh: true})
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			var reqs [n]*http.Request
			for i := range reqs {
				reqs[i] = benchRequest("http://example.com/" + strconv.Itoa(i))
				if i%10 == 0 {
					reqs[i].Header.Set("Cache-Control", "no-cache")
				}
			}
			for i := 0; pb.Next(); i++ {
				resp, _ := rt.RoundTrip(reqs[i*7%n])
				toEnd(resp.Body)
				resp.Body.Close()
			}
		})
	})
	b.Run("memory", func(b *testing.B) {
		m := fallback.NewMemory(0)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				key := keys[i*7%len(keys)]
				if i%10 == 0 {
					set(m, key, payload, time.Hour)
				} else {
					have(m, key)
				}
			}
		})
	})
	b.Run("bare go-cache", func(b *testing.B) {
		m := gocache.New(gocache.NoExpiration, 0)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				key := keys[i*7%len(keys)]
				if i%10 == 0 {
					m.Set(key, payload, time.Hour)
				} else {
					m.Get(key)
				}
			}
		})
	})
}

var keys = func() (k [1000]string) {
	for i := range k {
		k[i] = fmt.Sprintf("%032d", i)
	}
	return k
}()

func TestAnswersThatPassCostNoAllocation(t *testing.T) {
	for _, p := range passing {
		t.Run(p.name, func(t *testing.T) {
			base := stub(p.header, p.body(), p.length)
			rt := layered(base)
			req := benchRequest("http://example.com/a")
			bare := testing.AllocsPerRun(1000, func() { send(base, req) })
			with := testing.AllocsPerRun(1000, func() { send(rt, req) })
			if with != bare {
				t.Errorf("%v allocations with Ladder and Cache, %v without", with, bare)
			}
		})
	}
}

func TestAHitCostsFewAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("with -race a sync.Pool forgets on purpose")
	}
	cache := &fallback.Cache{ServeFresh: true}
	rt := cache.Wrap(transport.Func(func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: storable(), Body: io.NopCloser(bytes.NewReader(payload)), ContentLength: int64(len(payload)), Request: req,
		}, nil
	}))
	req := benchRequest("http://example.com/")
	call := func() {
		resp, _ := rt.RoundTrip(req)
		toEnd(resp.Body)
		resp.Body.Close()
	}
	call()
	if n := testing.AllocsPerRun(1000, call); n > 8 {
		t.Errorf("%v allocations, 8 are allowed", n)
	}
	if s := cache.State(); s.Hits < 1000 {
		t.Errorf("these were no hits: %+v", s)
	}
}
