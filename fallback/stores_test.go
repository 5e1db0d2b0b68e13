package fallback_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
)

// A spyStore is a Store that is no Memory, and can be made to fail.
type spyStore struct {
	*fallback.Memory
	mu   sync.Mutex
	all  map[string][]byte
	trip func(ctx context.Context, op string) error
}

func (s *spyStore) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.all))
}

func (s *spyStore) enter(ctx context.Context, op string) error {
	s.mu.Lock()
	trip := s.trip
	s.mu.Unlock()
	if trip == nil {
		return nil
	}
	return trip(ctx, op)
}

func (s *spyStore) breaks(f func(ctx context.Context, op string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trip = f
}

func (s *spyStore) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.enter(ctx, "get"); err != nil {
		return nil, err
	}
	return s.Memory.Get(ctx, key)
}

func (s *spyStore) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.enter(ctx, "set"); err != nil {
		return err
	}
	s.mu.Lock()
	if s.all == nil {
		s.all = make(map[string][]byte)
	}
	s.all[key] = value
	s.mu.Unlock()
	return s.Memory.Set(ctx, key, value, ttl)
}

func (s *spyStore) Delete(ctx context.Context, key string) error {
	if err := s.enter(ctx, "delete"); err != nil {
		return err
	}
	return s.Memory.Delete(ctx, key)
}

func remoteStack(store fallback.Store, change func(*fallback.Cache)) *stack {
	c := &fallback.Cache{Store: store, Namespace: "test", Secret: secret}
	if change != nil {
		change(c)
	}
	return newStack(c)
}

func TestTwoProcessesShareAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{Memory: fallback.NewMemory(0)}
		fresh := func(c *fallback.Cache) { c.ServeFresh = true }
		one, two := remoteStack(store, fresh), remoteStack(store, fresh)
		const lines = "Cache-Control: max-age=60|Vary: Accept|X-Two: 1|X-Two: 2"
		one.says(200, lines, "good")
		get(t, one, "http://example.com/", "Accept: a|Cookie: alice")
		synctest.Wait()
		two.dies()
		if resp, body := get(t, two, "http://example.com/", "Accept: a|Cookie: alice"); body != "good" || resp.Header.Get("X-Two") != "1" {
			t.Errorf("the other process has %q, %v", body, resp)
		}
		for _, lines := range []string{"Accept: b|Cookie: alice", "Accept: a|Cookie: bob", "Accept: a"} {
			if _, body := get(t, two, "http://example.com/", lines); !strings.HasPrefix(body, "error") {
				t.Errorf("%s: %q", lines, body)
			}
		}
		time.Sleep(10 * time.Minute)
		if resp, body := get(t, two, "http://example.com/", "Accept: a|Cookie: alice"); body != "good" || resp.Header.Get("Age") != "600" {
			t.Errorf("ten minutes later it has %q, %v", body, resp)
		}
		// A change that one makes, the other sees, also in what was under way.
		two.says(200, lines, "old")
		resp, err := two.RoundTrip(request(t, "GET", "http://example.com/", "Accept: a|Cookie: alice"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		one.says(200, "", "")
		do(t, one, request(t, "DELETE", "http://example.com/", ""))
		toEnd(resp.Body)
		resp.Body.Close()
		synctest.Wait()
		two.dies()
		if _, body := get(t, two, "http://example.com/", "Accept: a|Cookie: alice"); !strings.HasPrefix(body, "error") {
			t.Errorf("after the change it still has %q", body)
		}
	})
}

func TestSecretsRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{Memory: fallback.NewMemory(0)}
		old := remoteStack(store, nil)
		old.says(200, "", "good")
		get(t, old, "http://example.com/", "")
		synctest.Wait()
		next := bytes.Repeat([]byte("n"), 40)
		for does, c := range map[string]struct {
			change func(*fallback.Cache)
			want   bool
		}{
			"the new secret beside the old": {func(c *fallback.Cache) { c.Secret, c.OldSecrets = next, [][]byte{secret} }, true},
			"the new secret alone":          {func(c *fallback.Cache) { c.Secret = next }, false},
			"another namespace":             {func(c *fallback.Cache) { c.Namespace = "other" }, false},
		} {
			s := remoteStack(store, c.change)
			s.dies()
			if _, body := get(t, s, "http://example.com/", ""); (body == "good") != c.want {
				t.Errorf("%s: %q", does, body)
			}
		}
		// What is invalidated is so under all secrets.
		s := remoteStack(store, func(c *fallback.Cache) { c.Secret, c.OldSecrets = next, [][]byte{secret} })
		s.says(200, "", "")
		do(t, s, request(t, "DELETE", "http://example.com/", ""))
		old.dies()
		if _, body := get(t, old, "http://example.com/", ""); body == "good" {
			t.Error("an invalidation left what is stored under an old secret")
		}
	})
}

func TestAStoreThatFailsIsAMiss(t *testing.T) {
	failures := map[string]func(ctx context.Context, op string) error{
		"fails": func(context.Context, string) error { return errors.New("no") },
		"is slow": func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"hangs, whatever its context says": func(context.Context, string) error {
			time.Sleep(time.Hour)
			return nil
		},
		"panics": func(context.Context, string) error { panic("driver") },
	}
	for how, breaks := range failures {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &spyStore{Memory: fallback.NewMemory(0)}
				s := remoteStack(store, func(c *fallback.Cache) { c.ServeFresh = true })
				s.says(200, "Cache-Control: max-age=60", "good")
				get(t, s, "http://example.com/", "")
				synctest.Wait()
				store.breaks(breaks)
				for range 200 {
					start := time.Now()
					if _, body := get(t, s, "http://example.com/", ""); body != "good" {
						t.Fatalf("got %q", body)
					}
					if took := time.Since(start); took > 50*time.Millisecond {
						t.Fatalf("the call took %v", took)
					}
				}
				s.says(503, "", "down")
				if _, body := get(t, s, "http://example.com/", ""); body != "down" {
					t.Errorf("got %q", body)
				}
				if state := s.cache.State(); state.Errors == 0 || state.Misses < 200 {
					t.Errorf("it was not counted: %+v", state)
				}
				store.breaks(nil)
				time.Sleep(2 * time.Hour) // what hung has come back
				s.says(200, "Cache-Control: max-age=60", "good again")
				get(t, s, "http://example.com/", "")
				synctest.Wait()
				s.dies()
				if _, body := get(t, s, "http://example.com/", ""); body != "good again" {
					t.Errorf("after it recovered: %q", body)
				}
			})
		})
	}
}

// A nearStore has copies at hand.
type nearStore struct{ *spyStore }

func (s nearStore) Near(key string) []byte {
	b, _ := s.Memory.Get(context.Background(), key)
	return b
}

func TestACopyAtHandIsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := nearStore{&spyStore{Memory: fallback.NewMemory(0)}}
		s := remoteStack(store, nil)
		s.says(200, "", "good")
		get(t, s, "http://example.com/", "")
		synctest.Wait()
		s.dies()
		for how, breaks := range map[string]func(context.Context, string) error{
			"fails": func(context.Context, string) error { return errors.New("no") },
			"hangs": func(context.Context, string) error {
				time.Sleep(time.Hour)
				return nil
			},
		} {
			store.breaks(breaks)
			for range 100 { // more than may be left behind
				start := time.Now()
				if _, body := get(t, s, "http://example.com/", ""); body != "good" || time.Since(start) > 50*time.Millisecond {
					t.Fatalf("a store that %s: %q after %v", how, body, time.Since(start))
				}
			}
		}
		if state := s.cache.State(); state.Errors == 0 {
			t.Errorf("it was not counted: %+v", state)
		}
		time.Sleep(2 * time.Hour) // what hung comes back
	})
}

func TestAStoreThatIsThereServesAnyNumberAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{Memory: fallback.NewMemory(0)}
		s := remoteStack(store, nil)
		s.says(200, "", "good")
		get(t, s, "http://example.com/", "")
		synctest.Wait()
		s.dies()
		store.breaks(func(context.Context, string) error {
			time.Sleep(10 * time.Millisecond) // as one that is far away
			return nil
		})
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				if _, body := get(t, s, "http://example.com/", ""); body != "good" {
					t.Errorf("got %q", body)
				}
			})
		}
		wg.Wait()
		if state := s.cache.State(); state.Errors > 0 || state.Hits != 500 {
			t.Errorf("%+v", state)
		}
	})
}

// A lying store returns what it has under another key, or something changed.
func TestAStoreThatLiesIsAMiss(t *testing.T) {
	lies := map[string]func(key string, all map[string][]byte) []byte{
		"another's value": func(key string, all map[string][]byte) []byte {
			for k, v := range all {
				if k != key && len(v) > 100 {
					return v
				}
			}
			return nil
		},
		"a byte changed": func(key string, all map[string][]byte) []byte {
			v := slices.Clone(all[key])
			if len(v) > 0 {
				v[len(v)/2] ^= 1
			}
			return v
		},
		"cut":     func(key string, all map[string][]byte) []byte { return all[key][:len(all[key])/2] },
		"empty":   func(string, map[string][]byte) []byte { return []byte{} },
		"garbage": func(string, map[string][]byte) []byte { return bytes.Repeat([]byte{0xff}, 100) },
		"a later version": func(key string, all map[string][]byte) []byte {
			v := slices.Clone(all[key])
			if len(v) > 2 {
				v[2]++
			}
			return v
		},
	}
	for how, lie := range lies {
		t.Run(how, func(t *testing.T) {
			store := &lyingStore{all: make(map[string][]byte)}
			s := remoteStack(store, nil)
			for _, path := range []string{"a", "b", "c"} {
				s.says(200, "", path+strings.Repeat(".", 100))
				get(t, s, "http://example.com/"+path, "")
			}
			s.cache.Close()
			s = remoteStack(store, nil)
			s.dies()
			for _, path := range []string{"a", "b", "c"} {
				if _, body := get(t, s, "http://example.com/"+path, ""); !strings.HasPrefix(body, path) {
					t.Fatalf("an honest store: %q", body)
				}
			}
			store.lie = lie
			for _, path := range []string{"a", "b", "c"} {
				if _, body := get(t, s, "http://example.com/"+path, ""); !strings.HasPrefix(body, "error") {
					t.Errorf("%s was answered %q", path, body)
				}
			}
			if s.cache.State().Errors == 0 {
				t.Error("it was not counted")
			}
		})
	}
}

type lyingStore struct {
	mu  sync.Mutex
	all map[string][]byte
	lie func(string, map[string][]byte) []byte
}

func (s *lyingStore) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lie != nil {
		return s.lie(key, s.all), nil
	}
	return s.all[key], nil
}

func (s *lyingStore) Set(_ context.Context, key string, value []byte, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[key] = value
	return nil
}

func (s *lyingStore) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, key)
	return nil
}

func TestAClockThatWasSetBackIsAMiss(t *testing.T) {
	// Two bubbles have two clocks: each begins in 2000.
	store := &lyingStore{all: make(map[string][]byte)}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour)
		s := remoteStack(store, func(c *fallback.Cache) { c.ServeFresh = true })
		s.says(200, "Cache-Control: max-age=60", "from the future")
		get(t, s, "http://example.com/", "")
		s.cache.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		s := remoteStack(store, func(c *fallback.Cache) { c.ServeFresh = true })
		s.dies()
		if _, body := get(t, s, "http://example.com/", ""); !strings.HasPrefix(body, "error") {
			t.Errorf("got %q", body)
		}
	})
}

var _ http.RoundTripper = (*stack)(nil)

func TestWhatIsGoneIsGoneFromAStore(t *testing.T) {
	store := &spyStore{Memory: fallback.NewMemory(0)}
	s := remoteStack(store, nil)
	s.says(200, "", "good")
	get(t, s, "http://example.com/", "")
	s.cache.Close()
	if store.Len() != 2 {
		t.Fatalf("%d values are stored", store.Len())
	}
	s = remoteStack(store, nil)
	s.says(404, "", "gone")
	get(t, s, "http://example.com/", "")
	s.dies()
	if _, body := get(t, s, "http://example.com/", ""); body == "good" {
		t.Error("it was kept")
	}
}

func TestCloseWaitsForWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{Memory: fallback.NewMemory(0)}
		store.breaks(func(context.Context, string) error {
			time.Sleep(10 * time.Millisecond)
			return nil
		})
		s := remoteStack(store, nil)
		s.says(200, "", "good")
		start := time.Now()
		get(t, s, "http://example.com/", "")
		if took := time.Since(start); took != 0 {
			t.Errorf("the caller waited %v for the store", took)
		}
		s.cache.Close()
		if store.Len() != 2 || s.cache.State().Stored != 1 {
			t.Errorf("%d values, %+v", store.Len(), s.cache.State())
		}
		get(t, s, "http://example.com/other", "")
		synctest.Wait()
		if store.Len() != 2 {
			t.Error("after Close something was stored")
		}
	})
}
