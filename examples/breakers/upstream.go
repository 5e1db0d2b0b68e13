package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/safetrip-go/safetrip/examples/internal/drill"
)

// An upstream plays the three services. The payment service can be down.
type upstream struct {
	URL    string
	server http.Server

	mu   sync.Mutex // guards the rest
	down bool
	seen map[string]int
}

func newUpstream(ctx context.Context) (*upstream, error) {
	u := &upstream{seen: make(map[string]int)}
	u.server.Handler = u
	var err error
	if u.URL, err = drill.Serve(ctx, &u.server); err != nil {
		return nil, err
	}
	return u, nil
}

func (u *upstream) close() { _ = u.server.Close() }

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path[1:]
	u.mu.Lock()
	u.seen[name]++
	down := u.down && name == "payment"
	u.mu.Unlock()
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
	}
}

func (u *upstream) setDown(down bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.down = down
}

func (u *upstream) calls(name string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen[name]
}
