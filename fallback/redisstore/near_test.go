package redisstore_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/fallback/redisstore"
	"github.com/safetrip-go/safetrip/internal/redistest"
)

// Two processes, of which the first has copies.
func TestCopiesAreForWhenRedisDoesNotAnswer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server := redistest.Start(t)
	config := patient(redisstore.Config{NearBytes: 1 << 20, FailureThreshold: 1, OpenFor: time.Hour})
	one, client := open(t, server.Addr, config)
	two, _ := open(t, server.Addr, config)
	get := func(key string) string {
		value, _ := one.Get(ctx, key)
		return string(value)
	}

	set(t, one, "written", "w")
	set(t, two, "read", "r")
	set(t, two, "read and changed", "old")
	set(t, two, "changed", "old")
	set(t, two, "read and deleted", "d")
	set(t, one, "written and deleted elsewhere", "d")
	set(t, one, "written and deleted", "d")
	set(t, one, "damaged", "d")
	for _, key := range []string{"read", "read and changed", "read and deleted", "nothing"} {
		get(key)
	}
	set(t, two, "read and changed", "new")
	set(t, two, "changed", "new")
	two.Delete(ctx, "read and deleted")
	two.Delete(ctx, "written and deleted elsewhere")
	one.Delete(ctx, "written and deleted")
	client.Set(ctx, "damaged", "?", 0)
	for _, key := range []string{"read and changed", "read and changed", "changed", "read and deleted", "written and deleted elsewhere", "damaged"} {
		get(key)
	}
	if n := one.State().Near; n > 0 {
		t.Errorf("%d copies were served while Redis answered", n)
	}

	server.Kill()
	set := one.Set(ctx, "written later", []byte("l"), time.Hour)
	for key, want := range map[string]string{
		"written": "w", "read": "r", "read and changed": "new", "changed": "new",
		"read and deleted": "", "written and deleted elsewhere": "", "written and deleted": "", "damaged": "", "nothing": "",
		"written later": "l",
	} {
		if got := get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if s := one.State(); set == nil || s.Near != 5 {
		t.Errorf("%v, counted %+v", set, s)
	}
}

func TestACopyEndsWithWhatItIsACopyOf(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	config := patient(redisstore.Config{NearBytes: 1 << 20, FailureThreshold: 1, OpenFor: time.Hour})
	one, client := open(t, server.Addr, config)
	two, _ := open(t, server.Addr, config)
	set(t, two, "k", "good")
	client.PExpire(t.Context(), "k", 500*time.Millisecond)
	if _, err := one.Get(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if !eventually(t, 10*time.Second, func() bool {
		value, _ := one.Get(t.Context(), "k")
		return value == nil
	}) {
		t.Error("it outlives it")
	}
}

func TestRedisAndTheServiceAreBothDown(t *testing.T) {
	t.Parallel()
	server, s := redistest.Start(t), newService(t)
	r := newReplica(t, server.Addr, patient(redisstore.Config{NearBytes: 1 << 20, OpenFor: time.Hour}))
	r.get(t, s.URL+"/a")
	if !eventually(t, 10*time.Second, func() bool { return r.cache.State().Stored == 1 }) {
		t.Fatal("it is not stored")
	}
	server.Kill()
	s.down.Store(true)
	for range 20 {
		if status, body, said := r.get(t, s.URL+"/a"); status != http.StatusOK || body != "the body of /a" {
			t.Errorf("got %d %q, %q", status, body, said)
		}
	}
}

// However little time a Cache has for Redis, what this process had is there.
func TestACopyIsInTimeForACache(t *testing.T) {
	t.Parallel()
	server, s := redistest.Start(t), newService(t)
	r := newReplica(t, server.Addr, patient(redisstore.Config{NearBytes: 1 << 20, FailureThreshold: -1}))
	r.get(t, s.URL+"/a")
	if !eventually(t, 10*time.Second, func() bool { return r.cache.State().Stored == 1 }) {
		t.Fatal("it is not stored")
	}
	hurried := &fallback.Cache{
		Store: r.store, Namespace: "test", Secret: bytes.Repeat([]byte("s"), 32), ServeFresh: true,
		StoreTimeout: time.Nanosecond,
	}
	defer hurried.Close()
	client := &http.Client{Transport: hurried.Wrap(http.DefaultTransport)}
	resp, err := client.Get(s.URL + "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if said := resp.Header.Get("Cache-Status"); !strings.HasPrefix(said, "safetrip; hit") || r.store.State().Near != 2 {
		t.Errorf("%q, counted %+v", said, r.store.State())
	}
}
