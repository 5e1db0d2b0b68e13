package transport

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRetryReusesConnections(t *testing.T) {
	for _, test := range []struct {
		name  string
		body  func(w http.ResponseWriter, r *http.Request)
		dials int32
	}{
		{"no body", func(http.ResponseWriter, *http.Request) {}, 1},
		{"1 KiB", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 1<<10)) }, 1},
		{"64 KiB, chunked", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 64<<10)) }, 1},
		{"1 MiB is not worth it", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1048576")
			io.WriteString(w, strings.Repeat("x", 1<<20))
		}, 3},
		{"a body that never ends", func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			noGoroutineLeft(t)
			var n atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1)%3 != 0 {
					w.WriteHeader(503)
					test.body(w, r)
				}
			}))
			defer server.Close()
			tr, dials := pool(t)
			defer tr.CloseIdleConnections()
			began := time.Now()
			if code, _, err := send(t, atOnce(Retry{}).Wrap(tr), get(t, server.URL)); code != 200 || err != nil {
				t.Errorf("got %d, %v", code, err)
			}
			if dials.Load() != test.dials {
				t.Errorf("%d dials, want %d", dials.Load(), test.dials)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestRetryDoesNotStarveASmallPool(t *testing.T) {
	// Bodies of discarded responses that stay open hold their connections:
	// with two of them, nobody gets a third.
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%2 == 1 {
			w.WriteHeader(503)
		}
		io.WriteString(w, "text")
	}))
	defer server.Close()
	tr, dials := pool(t)
	tr.MaxConnsPerHost = 2
	rt := atOnce(Retry{MaxAttempts: 50, Budget: &Budget{Ratio: -1}}).Wrap(tr)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if code, text, err := send(t, rt, get(t, server.URL)); code != 200 || text != "text" || err != nil {
				t.Errorf("got %d %q, %v", code, text, err)
			}
		})
	}
	wg.Wait()
	if dials.Load() > 2 {
		t.Errorf("%d dials for a pool of two", dials.Load())
	}
}

func TestRetryLeavesRedirectsAndCookiesToTheClient(t *testing.T) {
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		switch {
		case len(paths)%2 == 1:
			w.WriteHeader(503)
		case r.URL.Path == "/":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
			http.Redirect(w, r, "/there", http.StatusFound)
		default:
			c, err := r.Cookie("session")
			fmt.Fprint(w, c, err)
		}
	}))
	defer server.Close()
	tr, _ := pool(t)
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Transport: atOnce(Retry{}).Wrap(tr), Jar: jar}
	resp, err := client.Do(get(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); string(text) != "session=1 <nil>" || !slices.Equal(paths, []string{"/", "/", "/there", "/there"}) {
		t.Errorf("got %q by way of %v", text, paths)
	}
}
