package fallback_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// crowd lets n callers ask at once, each with its own request, and returns what
// they got. The origin answers after a second.
func crowd(t *testing.T, rt http.RoundTripper, n int, lines func(i int) string) []string {
	t.Helper()
	got := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			_, got[i] = get(t, rt, "http://example.com/", lines(i))
		})
	}
	wg.Wait()
	return got
}

func TestCoalescing(t *testing.T) {
	slow := func(o *origin, lines string) *atomic.Int64 {
		var n atomic.Int64
		o.does(func(req *http.Request) (*http.Response, error) {
			i := n.Add(1)
			select {
			case <-time.After(time.Second):
			case <-req.Context().Done():
				return nil, context.Cause(req.Context())
			}
			who := req.Header.Get("Cookie") + req.Header.Get("Accept")
			return response(req, 200, lines, fmt.Sprintf("%s%d", who, i)), nil
		})
		return &n
	}
	none := func(int) string { return "" }
	for does, test := range map[string]func(t *testing.T, o *origin, rt http.RoundTripper){
		"a hundred misses are one call": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			start := time.Now()
			for _, body := range crowd(t, rt, 100, none) {
				if body != "1" {
					t.Errorf("got %q", body)
				}
			}
			if o.calls() != 1 || time.Since(start) > time.Second {
				t.Errorf("%d calls in %v", o.calls(), time.Since(start))
			}
		},
		"a follower's answer says so": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			var collapsed atomic.Int64
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					resp, _ := get(t, rt, "http://example.com/", "")
					if strings.HasPrefix(resp.Header.Get("Cache-Status"), "safetrip; fwd=miss; collapsed") {
						collapsed.Add(1)
					}
				})
			}
			wg.Wait()
			if collapsed.Load() != 9 {
				t.Errorf("%d of 9 say that they followed", collapsed.Load())
			}
		},
		"a follower's Trip leads to the call that it followed": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			var led atomic.Int64
			var wg sync.WaitGroup
			leader := request(t, "GET", "http://example.com/", "")
			wg.Go(func() {
				ctx, trip := transport.NewTrip(context.WithValue(t.Context(), whoKey{}, "leader"))
				leader = leader.WithContext(ctx)
				if resp, err := rt.RoundTrip(leader); err != nil || trip.Leader() != nil {
					t.Errorf("%v; the leader follows %v", err, trip.Leader())
				} else {
					io.Copy(io.Discard, resp.Body)
				}
			})
			synctest.Wait()
			for range 5 {
				wg.Go(func() {
					ctx, trip := transport.NewTrip(t.Context())
					if _, err := rt.RoundTrip(request(t, "GET", "http://example.com/", "").WithContext(ctx)); err != nil {
						t.Error(err)
					} else if by := trip.Leader(); by != nil && by.Value(whoKey{}) == "leader" {
						led.Add(1)
					}
				})
			}
			wg.Wait()
			if led.Load() != 5 {
				t.Errorf("%d of 5 know whom they followed", led.Load())
			}
		},
		"different users do not wait for one another's answer": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			for i, body := range crowd(t, rt, 20, func(i int) string { return fmt.Sprintf("Cookie: u%d.", i%4) }) {
				if !strings.HasPrefix(body, fmt.Sprintf("u%d.", i%4)) {
					t.Errorf("user %d got %q", i%4, body)
				}
			}
			if o.calls() != 4 {
				t.Errorf("%d calls for 4 users", o.calls())
			}
		},
		"those whom Vary tells apart do not get one another's": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60|Vary: Accept")
			for i, body := range crowd(t, rt, 20, func(i int) string { return fmt.Sprintf("Accept: a%d.", i%4) }) {
				if !strings.HasPrefix(body, fmt.Sprintf("a%d.", i%4)) {
					t.Errorf("%d got %q", i%4, body)
				}
			}
		},
		"what cannot be shared is fetched by each": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: no-store")
			start := time.Now()
			seen := make(map[string]bool)
			for _, body := range crowd(t, rt, 10, none) {
				seen[body] = true
			}
			if len(seen) != 10 || time.Since(start) > 2*time.Second {
				t.Errorf("%d answers in %v", len(seen), time.Since(start))
			}
		},
		"a leader's cancel fails nobody else": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			ctx, cancel := context.WithCancelCause(t.Context())
			mine := errors.New("mine")
			go func() {
				if _, err := rt.RoundTrip(request(t, "GET", "http://example.com/", "").WithContext(ctx)); !errors.Is(err, mine) {
					t.Errorf("the leader got %v", err)
				}
			}()
			synctest.Wait()
			time.AfterFunc(500*time.Millisecond, func() { cancel(mine) })
			for _, body := range crowd(t, rt, 10, none) {
				if body != "2" {
					t.Errorf("got %q", body)
				}
			}
		},
		"nor does a leader that closes its body": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			go func() {
				resp, err := rt.RoundTrip(request(t, "GET", "http://example.com/", ""))
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Second)
				resp.Body.Close()
			}()
			synctest.Wait()
			for _, body := range crowd(t, rt, 10, none) {
				if body != "2" {
					t.Errorf("got %q", body)
				}
			}
		},
		"nor does one that never reads it, after five seconds": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			resp, err := rt.RoundTrip(request(t, "GET", "http://example.com/", ""))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			crowd(t, rt, 10, none)
			if took := time.Since(start); took != 6*time.Second {
				t.Errorf("it took %v", took)
			}
			start = time.Now()
			get(t, rt, "http://example.com/", "Cache-Control: no-cache")
			if took := time.Since(start); took != time.Second {
				t.Errorf("the next one took %v", took)
			}
			toEnd(resp.Body)
		},
		"a follower's cancel ends its wait": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			go get(t, rt, "http://example.com/", "")
			synctest.Wait()
			ctx, cancel := context.WithCancelCause(t.Context())
			mine := errors.New("mine")
			time.AfterFunc(100*time.Millisecond, func() { cancel(mine) })
			start := time.Now()
			_, err := rt.RoundTrip(request(t, "GET", "http://example.com/", "").WithContext(ctx))
			if !errors.Is(err, mine) || time.Since(start) != 100*time.Millisecond {
				t.Errorf("got %v after %v", err, time.Since(start))
			}
			time.Sleep(time.Second)
		},
		"a HEAD leads nobody": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			go do(t, rt, request(t, "HEAD", "http://example.com/", ""))
			synctest.Wait()
			crowd(t, rt, 10, none)
			if o.calls() != 2 {
				t.Errorf("%d calls", o.calls())
			}
		},
		"a 304 to one with a condition helps those who wait": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			o.says(200, `Cache-Control: max-age=60|Etag: "v"`, "good")
			get(t, rt, "http://example.com/", "")
			time.Sleep(time.Minute)
			o.does(func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return response(req, 304, `Etag: "v"|Cache-Control: max-age=60`, ""), nil
			})
			go get(t, rt, "http://example.com/", `If-None-Match: "v"`)
			synctest.Wait()
			crowd(t, rt, 10, none)
			if o.calls() != 2 {
				t.Errorf("%d calls", o.calls())
			}
		},
		"what is stale is not handed to those who wait without a question": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			o.says(200, "Cache-Control: max-age=1, stale-while-revalidate=600", "old")
			get(t, rt, "http://example.com/", "")
			time.Sleep(time.Minute)
			slow(o, "Cache-Control: no-store")
			for _, body := range crowd(t, rt, 10, none) {
				if body == "old" {
					t.Error("it was")
				}
			}
		},
		"a leader that panics holds up nobody": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			o.does(func(*http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				panic("boom")
			})
			go func() {
				defer func() { _ = recover() }()
				get(t, rt, "http://example.com/", "")
			}()
			synctest.Wait()
			slow(o, "Cache-Control: max-age=60")
			crowd(t, rt, 10, none)
			if o.calls() != 2 {
				t.Errorf("%d calls", o.calls())
			}
		},
		"bodies are independent": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			slow(o, "Cache-Control: max-age=60")
			get(t, rt, "http://example.com/", "")
			one, _ := rt.RoundTrip(request(t, "GET", "http://example.com/", ""))
			two, _ := rt.RoundTrip(request(t, "GET", "http://example.com/", ""))
			one.Body.Close()
			if b, err := io.ReadAll(two.Body); string(b) != "1" || err != nil {
				t.Errorf("got %q, %v", b, err)
			}
			if _, err := one.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
				t.Errorf("a closed body gives %v", err)
			}
		},
		"a stampede on a stale answer is one question": func(t *testing.T, o *origin, rt http.RoundTripper) {
			t.Helper()
			o.says(200, `Cache-Control: max-age=60|Etag: "v"`, "good")
			get(t, rt, "http://example.com/", "")
			time.Sleep(time.Minute)
			o.does(func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return response(req, 304, `Etag: "v"|Cache-Control: max-age=60`, ""), nil
			})
			for _, body := range crowd(t, rt, 50, none) {
				if body != "good" {
					t.Errorf("got %q", body)
				}
			}
			if o.calls() != 2 {
				t.Errorf("%d calls", o.calls())
			}
		},
	} {
		t.Run(does, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := new(origin)
				test(t, o, (&fallback.Cache{ServeFresh: true, Coalesce: true}).Wrap(o))
			})
		})
	}
}
