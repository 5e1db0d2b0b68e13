package main

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/safetrip-go/safetrip/examples/internal/drill"
)

// An upstream is a service that answers by a script.
type upstream struct {
	URL    string
	server http.Server

	mu   sync.Mutex // guards next
	next []int      // statuses; the last one comes again and again
}

func newUpstream(ctx context.Context) (*upstream, error) {
	u := new(upstream)
	u.server.Handler = u
	var err error
	if u.URL, err = drill.Serve(ctx, &u.server); err != nil {
		return nil, err
	}
	return u, nil
}

func (u *upstream) close() { _ = u.server.Close() }

func (u *upstream) play(statuses []int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.next = statuses
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	u.mu.Lock()
	status := u.next[0]
	if len(u.next) > 1 {
		u.next = u.next[1:]
	}
	u.mu.Unlock()
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "the data")
}
