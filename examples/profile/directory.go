package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A directory is a service of user profiles that fails 40 % of the time.
type directory struct {
	URL    string
	server http.Server

	mu     sync.Mutex // guards the rest
	random *rand.Rand
	served int
}

// freshFor is how long a profile is declared fresh. HTTP counts in seconds.
const freshFor = time.Second

var names = []string{
	"Ada Lovelace", "Alan Turing", "Barbara Liskov", "Dennis Ritchie", "Donald Knuth", "Edsger Dijkstra",
	"Grace Hopper", "John McCarthy", "Ken Thompson", "Leslie Lamport", "Margaret Hamilton", "Radia Perlman",
}

func newDirectory(ctx context.Context, seed uint64) (*directory, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &directory{URL: "http://" + l.Addr().String(), random: rand.New(rand.NewPCG(seed, 2))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", d.user)
	d.server.Handler = mux
	go func() { _ = d.server.Serve(l) }() // until close
	return d, nil
}

func (d *directory) close() { _ = d.server.Close() }

func (d *directory) user(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.served++
	fails := d.random.Float64() < 0.4
	d.mu.Unlock()

	id, err := strconv.Atoi(r.PathValue("id"))
	switch {
	case fails:
		http.Error(w, "overloaded", http.StatusServiceUnavailable)
	case err != nil || id < 1 || id > len(names):
		http.NotFound(w, r)
	default:
		w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d", freshFor/time.Second))
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(profile{id, names[id-1]})
	}
}

func (d *directory) calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.served
}
