package redisstore_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/fallback/redisstore"
	"github.com/safetrip-go/safetrip/internal/redistest"
	"github.com/safetrip-go/safetrip/transport"
)

// A replica is a program that calls a service and shares what it was answered.
type replica struct {
	*http.Client
	cache *fallback.Cache
	store *redisstore.Store
}

func newReplica(tb testing.TB, addr string, config redisstore.Config) *replica {
	tb.Helper()
	store, _ := open(tb, addr, config)
	cache := &fallback.Cache{
		Store: store, Namespace: "test", Secret: bytes.Repeat([]byte("s"), 32), ServeFresh: true,
		StoreTimeout: config.Timeout,
	}
	tb.Cleanup(func() { cache.Close() })
	ladder := &fallback.Ladder{Name: "test", Steps: []fallback.Step{cache.Step()}}
	return &replica{&http.Client{Transport: transport.Chain(http.DefaultTransport, ladder.Wrap, cache.Wrap)}, cache, store}
}

func (r *replica) get(tb testing.TB, url string) (status int, body, said string) {
	tb.Helper()
	resp, err := r.Client.Get(url)
	if err != nil {
		tb.Fatalf("the call failed: %v", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatalf("the body failed: %v", err)
	}
	return resp.StatusCode, string(b), resp.Header.Get("Cache-Status")
}

// A service answers every path with its name, and can be down.
type service struct {
	*httptest.Server
	down  atomic.Bool
	asked atomic.Int64
}

func newService(tb testing.TB) *service {
	s := new(service)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if s.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "the body of "+r.URL.Path)
	}))
	tb.Cleanup(s.Close)
	return s
}

func TestOneReplicaAsksAndAllAnswer(t *testing.T) {
	t.Parallel()
	server, s := redistest.Start(t), newService(t)
	config := patient(redisstore.Config{Keys: [][]byte{key1}})
	one, two := newReplica(t, server.Addr, config), newReplica(t, server.Addr, config)
	one.get(t, s.URL+"/a")
	one.cache.Close() // waits for what is on its way to Redis
	if _, body, said := two.get(t, s.URL+"/a"); body != "the body of /a" || !strings.HasPrefix(said, "safetrip; hit") || s.asked.Load() != 1 {
		t.Errorf("while the service is up: %q, %q after %d calls", body, said, s.asked.Load())
	}
	s.Close()
	if _, body, said := two.get(t, s.URL+"/a"); body != "the body of /a" {
		t.Errorf("when it is gone: %q, %q", body, said)
	}
}

// What Redis gives in place of what was stored is never anybody's answer.
func TestNothingThatRedisMakesUpIsServed(t *testing.T) {
	t.Parallel()
	for form, keys := range map[string][][]byte{"plain": nil, "encrypted": {key1}} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			server, s := redistest.Start(t), newService(t)
			config := patient(redisstore.Config{Keys: keys})
			one := newReplica(t, server.Addr, config)
			paths := []string{"/a", "/b", "/c"}
			for _, p := range paths {
				one.get(t, s.URL+p)
			}
			one.cache.Close()
			client := redis.NewClient(&redis.Options{Addr: server.Addr})
			defer client.Close()
			names := client.Keys(t.Context(), "*").Val()
			if len(names) != 2*len(paths) {
				t.Fatalf("%d values are in Redis", len(names))
			}
			var entries []string
			for _, n := range names {
				entries = append(entries, client.Get(t.Context(), n).Val())
			}
			for does, change := range map[string]func(i int) string{
				"swapped":         func(i int) string { return entries[(i+1)%len(entries)] },
				"cut":             func(i int) string { return entries[i][:len(entries[i])/2] },
				"changed":         func(i int) string { return strings.Replace(entries[i], entries[i][40:41], "?", 1) },
				"a later version": func(i int) string { return entries[i][:2] + "\x07" + entries[i][3:] },
				"empty":           func(int) string { return "" },
			} {
				for i, n := range names {
					client.Set(t.Context(), n, change(i), 0)
				}
				two := newReplica(t, server.Addr, config)
				for _, p := range paths {
					before := s.asked.Load()
					if _, body, said := two.get(t, s.URL+p); body != "the body of "+p || said != "" || s.asked.Load() == before {
						t.Errorf("%s: %s was answered %q, %q", does, p, body, said)
					}
				}
				two.cache.Close()
				if st := two.store.State(); does != "empty" && st.Damaged+st.OtherVersion == 0 {
					t.Errorf("%s: counted %+v", does, st)
				}
			}
		})
	}
}

func TestAFewCommandsFindOutThatRedisHangs(t *testing.T) {
	server, s := redistest.Start(t), newService(t)
	r := newReplica(t, server.Addr, redisstore.Config{Timeout: timeout, OpenFor: time.Hour})
	if !eventually(t, 10*time.Second, func() bool {
		_, _, said := r.get(t, s.URL+"/a")
		return said != ""
	}) {
		t.Fatal("nothing is served from Redis")
	}
	server.Stop()
	for range 100 {
		if status, body, _ := r.get(t, s.URL+"/a"); status != http.StatusOK || body != "the body of /a" {
			t.Errorf("got %d %q", status, body)
		}
	}
	// Five commands find out for all; the writing of the first answers may be under way beside them.
	if state := r.store.State(); state.TooLate < 5 || state.TooLate > 20 || state.Circuit.State != transport.Open {
		t.Errorf("counted %+v", state)
	}
}
