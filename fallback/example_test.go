package fallback_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// moody returns a server that answers with these statuses, and with the last
// of them from then on.
func moody(statuses ...int) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := statuses[0]
		if len(statuses) > 1 {
			statuses = statuses[1:]
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, "answer %d", status)
	}))
}

func ask(client *http.Client, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

func show(client *http.Client, url string) {
	resp, err := ask(client, url)
	if err != nil {
		fmt.Println(err) //nolint:forbidigo // the examples' output
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Printf("%d %s\n", resp.StatusCode, body) //nolint:forbidigo // the examples' output
}

// A service that fails is stood in for by its last good answer, and where
// there is none, by something made up.
func ExampleLadder() {
	server := moody(http.StatusOK, http.StatusServiceUnavailable)
	defer server.Close()

	cache := new(fallback.Cache)
	ladder := &fallback.Ladder{
		Name:  "users",
		Steps: []fallback.Step{cache.Step(), fallback.JSON(http.StatusOK, []string{"guest"})},
	}
	client := &http.Client{Transport: transport.Chain(nil, ladder.Wrap, cache.Wrap)}

	show(client, server.URL+"/users")
	show(client, server.URL+"/users")  // 503, and the cache has it
	show(client, server.URL+"/groups") // 503, and the cache has not
	for _, s := range ladder.States() {
		fmt.Println(s.Ladder, "is", s.Level, "for", s.Reason)
	}
	// Output:
	// 200 answer 200
	// 200 answer 200
	// 200 ["guest"]
	// users is degraded for system
}

// With ServeFresh a Cache is an HTTP cache: what the service calls fresh is not
// asked for again.
func ExampleCache() {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintf(w, "made in call %d", calls)
	}))
	defer server.Close()

	cache := &fallback.Cache{ServeFresh: true}
	client := &http.Client{Transport: transport.Chain(nil, cache.Wrap)}
	for range 2 {
		resp, err := ask(client, server.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body) // stored when it was read to its end
		resp.Body.Close()
		how, _, _ := strings.Cut(resp.Header.Get("Cache-Status"), "; ttl=")
		fmt.Printf("%s (Cache-Status: %s)\n", body, how)
	}
	s := cache.State()
	fmt.Println(s.Hits, "hit,", s.Misses, "miss")
	// Output:
	// made in call 1 (Cache-Status: )
	// made in call 1 (Cache-Status: safetrip; hit)
	// 1 hit, 1 miss
}

// A Memory is bounded in bytes, keys and bookkeeping included, and can be
// shared by several Caches, which do not see each other's responses.
func ExampleMemory() {
	memory := fallback.NewMemory(1 << 20)
	defer memory.Close()
	users, orders := &fallback.Cache{Store: memory}, &fallback.Cache{Store: memory}
	fmt.Println(users.State().Max == orders.State().Max)

	ctx := context.Background()
	for i := range 100 {
		if err := memory.Set(ctx, fmt.Sprint("key ", i), make([]byte, 64<<10), time.Hour); err != nil {
			fmt.Println(err)
			return
		}
	}
	first, _ := memory.Get(ctx, "key 0")
	last, _ := memory.Get(ctx, "key 99")
	fmt.Println(memory.Bytes() <= 1<<20, first == nil, len(last))
	// Output:
	// true
	// true true 65536
}

// Static makes its answer from the request; JSON has one for all.
func ExampleStatic() {
	server := moody(http.StatusBadGateway)
	defer server.Close()

	step := fallback.Static(func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK,
			Header:     http.Header{"X-Asked-For": {req.URL.Path}},
		}, nil
	})
	ladder := &fallback.Ladder{Steps: []fallback.Step{step}}
	client := &http.Client{Transport: transport.Chain(nil, ladder.Wrap)}
	resp, err := ask(client, server.URL+"/price")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, resp.Header.Get("X-Asked-For"))
	fmt.Println(resp.Header.Get("Cache-Status"))
	// Output:
	// 200 OK /price
	// safetrip; fwd=miss; fwd-status=502; detail=static
}

// A second region is asked without the credentials that were meant for the
// first, unless SameTrust says that it may have them.
func ExampleAlternative() {
	first := moody(http.StatusServiceUnavailable)
	defer first.Close()
	second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s, token %q", r.URL.Path, r.Header.Get("Authorization"))
	}))
	defer second.Close()

	ladder := &fallback.Ladder{Steps: []fallback.Step{fallback.Alternative{URL: second.URL + "/eu"}.Step(nil)}}
	client := &http.Client{Transport: transport.Chain(nil, ladder.Wrap)}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, first.URL+"/users", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Bearer secret")
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(string(body))
	// Output:
	// /eu/users, token ""
}

// The classic mistake: a ladder inside of a Retry answers the first attempt
// that fails, and there never is a second one, which would have gone well.
func ExampleLadder_wrongOrder() {
	retry := transport.Retry{BaseDelay: time.Millisecond}
	ladder := &fallback.Ladder{Steps: []fallback.Step{fallback.JSON(http.StatusOK, "made up")}}

	server := moody(http.StatusServiceUnavailable, http.StatusOK)
	show(&http.Client{Transport: transport.Chain(nil, retry.Wrap, ladder.Wrap)}, server.URL)
	server.Close()

	server = moody(http.StatusServiceUnavailable, http.StatusOK)
	show(&http.Client{Transport: transport.Chain(nil, ladder.Wrap, retry.Wrap)}, server.URL)
	server.Close()
	// Output:
	// 200 "made up"
	// 200 answer 200
}
