package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/fallback/redisstore"
	"github.com/safetrip-go/safetrip/transport"
)

// nobody dials a Redis that is not there.
func nobody(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("nobody is there")
}

// A Cache in Redis, under a Ladder that serves what is there. In this example
// there is no Redis, and the call goes its way.
func Example() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello, Alice")
	}))
	defer service.Close()

	store, err := redisstore.New(&redis.UniversalOptions{
		Addrs:  []string{"redis.invalid:6379"},
		Dialer: nobody, // for the example's sake
	}, redisstore.Config{Keys: [][]byte{bytes.Repeat([]byte("k"), 32)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	cache := &fallback.Cache{
		Store:     store,
		Namespace: "users",
		Secret:    bytes.Repeat([]byte("s"), 32), // for seals and hashes; the store's Keys are others
	}
	defer cache.Close()
	ladder := &fallback.Ladder{Name: "users", Steps: []fallback.Step{cache.Step()}}
	client := &http.Client{Transport: transport.Chain(http.DefaultTransport, ladder.Wrap, cache.Wrap)}

	resp, err := client.Get(service.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s %v\n", body, err)
	// Output: hello, Alice <nil>
}

// A Store can be used without a Cache: an error means that there is no value.
func ExampleStore() {
	store, err := redisstore.New(&redis.UniversalOptions{Dialer: nobody}, redisstore.Config{
		FailureThreshold: 2,
		OnChange:         func(c transport.Change) { fmt.Println("the circuit is", c.To) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	for range 3 {
		value, err := store.Get(context.Background(), "greeting")
		fmt.Println(value == nil, err)
	}
	s := store.State()
	fmt.Println(s.Failed, "failed,", s.Refused, "refused")
	// Output:
	// true redisstore: nobody is there
	// the circuit is open
	// true redisstore: nobody is there
	// true redisstore: Redis is not asked: the circuit is open
	// 2 failed, 1 refused
}

// To change the key, put the new one in front. The old one goes when what it
// sealed has expired.
func ExampleConfig_keys() {
	old, next := bytes.Repeat([]byte("o"), 32), bytes.Repeat([]byte("n"), 32)
	_, err := redisstore.New(nil, redisstore.Config{Keys: [][]byte{next, old}})
	fmt.Println(err)

	_, err = redisstore.New(nil, redisstore.Config{Keys: [][]byte{[]byte("secret")}, Timeout: -time.Second})
	fmt.Println(err)
	// Output:
	// <nil>
	// redisstore: Config.Timeout is -1s; it must not be negative
	// redisstore: Config.Keys[0] has 6 bytes; it must have 32 or more
}
