package redisstore_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/safetrip-go/safetrip/fallback/redisstore"
	"github.com/safetrip-go/safetrip/internal/redistest"
)

var (
	key1 = bytes.Repeat([]byte("1"), 32)
	key2 = bytes.Repeat([]byte("2"), 48)
)

// open returns a Store at an address, and the means to look at what it has there.
func open(tb testing.TB, addr string, config redisstore.Config) (*redisstore.Store, *redis.Client) {
	tb.Helper()
	store, err := redisstore.New(&redis.UniversalOptions{Addrs: []string{addr}}, config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { store.Close() })
	client := redis.NewClient(&redis.Options{Addr: addr})
	tb.Cleanup(func() { client.Close() })
	return store, client
}

// patient is a Config for tests that are not about time, on a busy machine.
func patient(config redisstore.Config) redisstore.Config {
	config.Timeout = 10 * time.Second
	return config
}

// start returns a Store in a Redis of its own.
func start(tb testing.TB, config redisstore.Config) (*redisstore.Store, *redis.Client) {
	tb.Helper()
	return open(tb, redistest.Start(tb).Addr, patient(config))
}

func set(tb testing.TB, store *redisstore.Store, key, value string) {
	tb.Helper()
	if err := store.Set(tb.Context(), key, []byte(value), time.Hour); err != nil {
		tb.Fatal(err)
	}
}

// raw returns what Redis has under a key.
func raw(tb testing.TB, client *redis.Client, key string) []byte {
	tb.Helper()
	b, err := client.Get(tb.Context(), key).Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// eventually waits until done reports true.
func eventually(tb testing.TB, within time.Duration, done func() bool) bool {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); <-tick.C {
		if done() {
			return true
		}
	}
	return done()
}

// serve runs a server of a test's own: each connection is given to handle,
// which returns when the connection is closed at the latest.
func serve(tb testing.TB, handle func(net.Conn)) (addr string) {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(tb.Context(), func() { conn.Close() })
			go func() {
				defer conn.Close()
				handle(conn)
			}()
		}
	}()
	return l.Addr().String()
}
