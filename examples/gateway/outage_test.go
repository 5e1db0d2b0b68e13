package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/internal/redistest"
)

func TestOneProcessFillsAndAnotherServes(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, cache := range []string{cacheFallback, cacheFresh} {
		t.Run(cache, func(t *testing.T) {
			o := newOrigin(t)
			one := spawn(t, o.URL, "-redis", server.Addr, "-cache", cache)
			two := spawn(t, o.URL, "-redis", server.Addr, "-cache", cache)
			c := client(t)
			const alice = "GET /a|Authorization: Basic YQ=="
			for _, ask := range []string{"GET /a", alice} { // one after the other: of two first answers to one URL, at once, one may be lost
				for deadline := time.Now().Add(20 * time.Second); ; { // what the first was answered is on its way to Redis
					o.does(says("200 one|Cache-Control: max-age=600"))
					send(t, c, one.URL, ask)
					o.does(says("down"))
					if _, body := send(t, c, two.URL, ask); body == "one" {
						break
					}
					if time.Now().After(deadline) {
						t.Fatalf("%s: the second has nothing", ask)
					}
				}
			}
			resp, body := send(t, c, two.URL, "GET /a")
			if said := resp.Header.Get("Cache-Status"); body != "one" || !strings.Contains(said, "ttl=") {
				t.Errorf("got %d %q, %q", resp.StatusCode, body, said)
			}
			for _, other := range []string{"GET /a|Authorization: Basic Yg==", "GET /b"} {
				if resp, body := send(t, c, two.URL, other); resp.StatusCode < 500 {
					t.Errorf("%s: %d %q", other, resp.StatusCode, body)
				}
			}
		})
	}
}

// An outage is told in figures: of the calls that 64 clients make while the
// upstream is down, how many were answered.
type outage struct {
	calls, errors atomic.Int64
	mu            sync.Mutex // guards took
	took          []time.Duration
}

// outageTime is how long the upstream is down. GATEWAY_OUTAGE=30s tells more.
func outageTime(t *testing.T) time.Duration {
	d, err := time.ParseDuration(cmp.Or(os.Getenv("GATEWAY_OUTAGE"), "3s"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAnOutageUnderLoadIsAnsweredWithoutOneError(t *testing.T) {
	redis := redistest.Start(t)
	for _, row := range []struct {
		how   string
		args  []string
		begin func() // beside the upstream's end
	}{
		{"memory", []string{"-cache", "fallback"}, func() {}},
		{"redis", []string{"-cache", "fallback", "-redis", redis.Addr}, func() {}},
		{"redis, which goes away too", []string{"-cache", "fallback", "-redis", redis.Addr}, redis.Kill},
	} {
		t.Run(row.how, func(t *testing.T) {
			var down atomic.Bool
			up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if down.Load() {
					panic(http.ErrAbortHandler)
				}
				fmt.Fprint(w, strings.Repeat(r.URL.Path, 100))
			}))
			defer up.Close()
			p := spawn(t, up.URL, row.args...)
			const paths = 50
			c := client(t)
			for i := range paths {
				send(t, c, p.URL, fmt.Sprint("GET /", i))
			}
			for stored := regexp.MustCompile(fmt.Sprintf(`"stored": ?%d\b`, paths)); ; { // it may be on its way to Redis
				if _, report := send(t, c, p.Health, "GET /healthz|Accept: application/json"); stored.MatchString(report) {
					break
				}
			}
			down.Store(true)
			row.begin()
			o := new(outage)
			o.run(t, p.URL, paths, outageTime(t))
			slices.Sort(o.took)
			at := func(q float64) time.Duration { return o.took[int(float64(len(o.took)-1)*q)] }
			t.Logf("%v: %d calls of 64 clients, %d errors; p50 %v, p99 %v, max %v", outageTime(t), o.calls.Load(), o.errors.Load(), at(.5), at(.99), at(1))
			if o.errors.Load() > 0 || o.calls.Load() < 64 {
				t.Errorf("%d of %d calls were not answered", o.errors.Load(), o.calls.Load())
			}
		})
	}
}

func (o *outage) run(t *testing.T, url string, paths int, lasts time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	defer transport.CloseIdleConnections()
	var wg sync.WaitGroup
	for client := range 64 {
		wg.Go(func() {
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for i := client; ctx.Err() == nil; i++ {
				o.call(t, transport, url, fmt.Sprint("/", i%paths))
				<-tick.C
			}
		})
	}
	wg.Wait()
}

func (o *outage) call(t *testing.T, via http.RoundTripper, url, path string) {
	begin := time.Now()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
	if err != nil {
		panic(err)
	}
	resp, err := via.RoundTrip(req)
	body, status := "", 0
	if err == nil {
		var b []byte
		b, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		body, status = string(b), resp.StatusCode
	}
	o.calls.Add(1)
	if err != nil || body != strings.Repeat(path, 100) {
		if o.errors.Add(1) <= 5 {
			t.Errorf("%s: %v, %d, %d bytes", path, err, status, len(body))
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.took = append(o.took, time.Since(begin))
}
