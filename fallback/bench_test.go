package fallback_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
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
	for _, n := range sizes {
		b.Run(fmt.Sprint(n, " entries/bare go-cache"), func(b *testing.B) {
			m, keys := gocache.New(gocache.NoExpiration, 0), benchKeys(n)
			for _, key := range keys {
				m.Set(key, payload, time.Hour)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := m.Get(keys[0]); !ok {
					b.Fatal("not a hit")
				}
			}
		})
	}
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

// BenchmarkMissAndStore asks the service and keeps its answer in place of an
// older one.
func BenchmarkMissAndStore(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n, " entries/cache"), func(b *testing.B) {
			rt := filled(b, n, storable(), &fallback.Cache{MaxBytes: 1 << 30})
			req, urls := benchRequest("http://example.com/0"), benchURLs(n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				req.URL = urls[i%n]
				resp, _ := rt.RoundTrip(req)
				toEnd(resp.Body)
				resp.Body.Close()
			}
		})
		b.Run(fmt.Sprint(n, " entries/bare go-cache"), func(b *testing.B) {
			m, keys := gocache.New(gocache.NoExpiration, 0), benchKeys(n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Set(keys[i%n], bytes.Clone(payload), time.Hour)
			}
		})
	}
}

// sizes are how many entries there are.
var sizes = []int{1000, 100_000}

// BenchmarkParallel reads nine times for each time that it writes.
func BenchmarkParallel(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n, " entries/cache"), func(b *testing.B) { parallelCalls(b, n) })
		m := fallback.NewMemory(1 << 30)
		g := gocache.New(gocache.NoExpiration, 0)
		keys := benchKeys(n)
		for _, key := range keys {
			set(m, key, payload, time.Hour)
			g.Set(key, payload, time.Hour)
		}
		b.Run(fmt.Sprint(n, " entries/memory"), func(b *testing.B) {
			parallel(b, func(i int) { have(m, keys[scatter(i, n)]) }, func(i int) { set(m, keys[scatter(i, n)], payload, time.Hour) })
		})
		b.Run(fmt.Sprint(n, " entries/bare go-cache"), func(b *testing.B) {
			parallel(b, func(i int) { g.Get(keys[scatter(i, n)]) }, func(i int) { g.Set(keys[scatter(i, n)], payload, time.Hour) })
		})
	}
}

func parallel(b *testing.B, read, write func(i int)) {
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if i%10 == 0 {
				write(i)
			} else {
				read(i)
			}
		}
	})
}

// scatter goes through n entries in steps of a prime.
func scatter(i, n int) int { return i % n * 7919 % n }

// parallelCalls has whole calls do so: hits, and questions that go to the
// service and whose answers are stored.
func parallelCalls(b *testing.B, n int) {
	rt, urls := filled(b, n, storable(), &fallback.Cache{ServeFresh: true, MaxBytes: 1 << 30}), benchURLs(n)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		hit, miss := benchRequest("http://example.com/0"), benchRequest("http://example.com/0")
		miss.Header.Set("Cache-Control", "no-cache")
		for i := 0; pb.Next(); i++ {
			req := hit
			if i%10 == 0 {
				req = miss
			}
			req.URL = urls[scatter(i, n)]
			resp, _ := rt.RoundTrip(req)
			toEnd(resp.Body)
			resp.Body.Close()
		}
	})
}

// BenchmarkMemoryPerEntry tells what an answer of 4 KiB takes on the heap,
// beside what is counted for it. An iteration fills a cache, so run it with
// -benchtime=1x.
func BenchmarkMemoryPerEntry(b *testing.B) {
	const n = 100_000
	b.Run("cache", func(b *testing.B) {
		for b.Loop() {
			before := heap()
			cache := &fallback.Cache{ServeFresh: true, MaxBytes: 1 << 30}
			rt := filled(b, n, storable(), cache)
			b.ReportMetric(float64(heap()-before)/n, "heap-B/entry")
			b.ReportMetric(float64(cache.State().Bytes)/n, "counted-B/entry")
			runtime.KeepAlive(rt)
		}
	})
	b.Run("bare go-cache, the body alone", func(b *testing.B) {
		for b.Loop() {
			before := heap()
			m := gocache.New(gocache.NoExpiration, 0)
			for _, key := range benchKeys(n) {
				m.Set(key, bytes.Clone(payload), time.Hour)
			}
			b.ReportMetric(float64(heap()-before)/n, "heap-B/entry")
			runtime.KeepAlive(m)
		}
	})
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what a sync.Pool let go of the first time
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func benchKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%032d", i)
	}
	return keys
}

func benchURLs(n int) []*url.URL {
	urls := make([]*url.URL, n)
	for i := range urls {
		urls[i] = &url.URL{Scheme: "http", Host: "example.com", Path: "/" + strconv.Itoa(i)}
	}
	return urls
}

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
