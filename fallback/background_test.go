package fallback_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

const whileAsking = `Cache-Control: max-age=60, stale-while-revalidate=600|Etag: "v"`

func TestStaleWhileRevalidate(t *testing.T) {
	for does, test := range map[string]func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error){
		"RFC 5861, 3: the stale answer now, the new one next time": func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error) {
			t.Helper()
			o.does(func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return response(req, 200, whileAsking, "new"), nil
			})
			start := time.Now()
			resp, body := get(t, rt, "http://example.com/", "")
			if body != "good" || time.Since(start) != 0 || resp.Header.Get("Cache-Status") != "safetrip; hit; ttl=-1" {
				t.Errorf("got %q after %v, %v", body, time.Since(start), resp.Header)
			}
			for range 10 {
				get(t, rt, "http://example.com/", "")
			}
			time.Sleep(2 * time.Second)
			if _, body := get(t, rt, "http://example.com/", ""); body != "new" || o.calls() != 2 {
				t.Errorf("then %q after %d calls", body, o.calls())
			}
			if got := o.last().Header.Get("If-None-Match"); got != `"v"` {
				t.Errorf("the question was about %q", got)
			}
		},
		"a 304 makes it fresh": func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error) {
			t.Helper()
			o.says(304, `Etag: "v"`, "")
			get(t, rt, "http://example.com/", "")
			synctest.Wait()
			if got, _ := second(t, rt, o, ""); got != "hit" {
				t.Errorf("then %s", got)
			}
		},
		"a failure changes nothing, nor does a panic": func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error) {
			t.Helper()
			o.dies()
			get(t, rt, "http://example.com/", "")
			synctest.Wait()
			o.does(func(*http.Request) (*http.Response, error) { panic("boom") })
			get(t, rt, "http://example.com/", "")
			synctest.Wait()
			o.says(304, "", "")
			if _, body := get(t, rt, "http://example.com/", ""); body != "good" {
				t.Errorf("then %q", body)
			}
			synctest.Wait()
		},
		"a condition of the caller's, however spelled, is not the question's": func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error) {
			t.Helper()
			o.says(304, `Etag: "v"`, "")
			get(t, rt, "http://example.com/", `if-none-match: "other"`)
			synctest.Wait()
			if got := o.last().Header; got.Get("If-None-Match") != `"v"` || valueIn(got, "if-none-match") != "" {
				t.Errorf("the question was %v", got)
			}
		},
		"past its time the service is asked first": func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error) {
			t.Helper()
			time.Sleep(10 * time.Minute)
			o.says(200, whileAsking, "new")
			if _, body := get(t, rt, "http://example.com/", ""); body != "new" {
				t.Errorf("got %q", body)
			}
		},
		"nobody asks when Run has ended, and it waits for those who do": func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error) {
			t.Helper()
			var over error
			o.does(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				over = req.Context().Err()
				time.Sleep(time.Second)
				return nil, over
			})
			get(t, rt, "http://example.com/", "")
			synctest.Wait()
			start := time.Now()
			if err := stop(); !errors.Is(err, context.Canceled) || over == nil || time.Since(start) != time.Second {
				t.Errorf("it ended with %v after %v, the question with %v", err, time.Since(start), over)
			}
			o.says(200, whileAsking, "new")
			if _, body := get(t, rt, "http://example.com/", ""); body != "new" {
				t.Errorf("then %q", body)
			}
		},
		"the question ends by itself": func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error) {
			t.Helper()
			o.does(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
			start := time.Now()
			get(t, rt, "http://example.com/", "")
			time.Sleep(31 * time.Second)
			get(t, rt, "http://example.com/", "")
			synctest.Wait()
			if o.calls() != 3 {
				t.Errorf("%d calls in %v", o.calls(), time.Since(start))
			}
		},
		"the caller's Trip and end are not the question's, its values are": func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error) {
			t.Helper()
			ctx, cancel := context.WithCancel(context.WithValue(t.Context(), whoKey{}, "alice"))
			ctx, trip := transport.NewTrip(ctx)
			_ = httptrace.ContextClientTrace(ctx)
			o.does(func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				if req.Context().Err() != nil || transport.TripFrom(req.Context()) != nil || req.Context().Value(whoKey{}) != "alice" {
					t.Errorf("the question's context: %v", req.Context())
				}
				return response(req, 304, "", ""), nil
			})
			do(t, rt, request(t, "GET", "http://example.com/", "").WithContext(ctx))
			cancel()
			time.Sleep(2 * time.Second)
			if trip.Answer().Source != transport.SourceCache {
				t.Errorf("the Trip says %+v", trip.Answer())
			}
		},
		"a HEAD asks as a GET": func(t *testing.T, o *origin, rt http.RoundTripper, stop func() error) {
			t.Helper()
			o.says(200, whileAsking, "new")
			do(t, rt, request(t, "HEAD", "http://example.com/", ""))
			synctest.Wait()
			if _, body := get(t, rt, "http://example.com/", ""); body != "new" || o.last().Method != http.MethodGet {
				t.Errorf("then %q", body)
			}
		},
	} {
		t.Run(does, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := new(origin)
				cache := &fallback.Cache{ServeFresh: true}
				rt := cache.Wrap(o)
				o.says(200, whileAsking, "good")
				get(t, rt, "http://example.com/", "")
				time.Sleep(61 * time.Second)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- cache.Run(ctx) }()
				synctest.Wait()
				stopped := false
				stop := func() error {
					cancel()
					stopped = true
					return <-ended
				}
				if err := cache.Run(ctx); err == nil {
					t.Error("a second Run is no error")
				}
				test(t, o, rt, stop)
				if !stopped {
					if err := stop(); err == nil {
						t.Error("Run ended with no cause")
					}
				}
			})
		})
	}
}

// valueIn returns the value of a header in the very spelling.
func valueIn(h http.Header, name string) string { return strings.Join(h[name], ",") }

func TestAtMostSixteenQuestionsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := new(origin)
		cache := &fallback.Cache{ServeFresh: true}
		rt := cache.Wrap(o)
		o.says(200, whileAsking, "good")
		for i := range 40 {
			get(t, rt, fmt.Sprintf("http://example.com/%d", i), "")
		}
		time.Sleep(61 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- cache.Run(ctx) }()
		synctest.Wait()
		now, most := 0, 0
		o.does(func(req *http.Request) (*http.Response, error) {
			if transport.TripFrom(req.Context()) == nil { // nobody's call
				o.mu.Lock()
				now++
				most = max(most, now)
				o.mu.Unlock()
			}
			time.Sleep(time.Second)
			return response(req, 304, "", ""), nil
		})
		for i := range 40 {
			ctx, _ := transport.NewTrip(t.Context())
			go do(t, rt, request(t, "GET", fmt.Sprintf("http://example.com/%d", i), "").WithContext(ctx))
		}
		time.Sleep(10 * time.Second)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
		// Those past sixteen asked for themselves.
		if o.calls() != 80 || most != 16 {
			t.Errorf("%d calls, %d of them in the background", o.calls(), most)
		}
	})
}

func TestRunSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := &fallback.Cache{TTL: time.Minute}
		o := new(origin)
		rt := cache.Wrap(o)
		o.says(200, "", "good")
		get(t, rt, "http://example.com/", "")
		before := cache.State().Bytes
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- cache.Run(ctx) }()
		time.Sleep(3 * time.Minute)
		if after := cache.State().Bytes; after >= before {
			t.Errorf("%d bytes, were %d", after, before)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}
