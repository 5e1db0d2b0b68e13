package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/examples/internal/drill"
)

// A directory is a service of user profiles that fails 40 % of the time.
type directory struct {
	URL    string
	server http.Server

	mu     sync.Mutex   // guards the rest
	dice   []*rand.Rand // one for each user, so that it meets the same faults in each run
	served int
}

const (
	failing  = 0.4
	freshFor = time.Second // HTTP counts in seconds
)

var names = []string{
	"Ada Lovelace", "Alan Turing", "Barbara Liskov", "Dennis Ritchie", "Donald Knuth", "Edsger Dijkstra",
	"Grace Hopper", "John McCarthy", "Ken Thompson", "Leslie Lamport", "Margaret Hamilton", "Radia Perlman",
}

func newDirectory(ctx context.Context, seed uint64) (*directory, error) {
	d := new(directory)
	for i := range names {
		d.dice = append(d.dice, rand.New(rand.NewPCG(seed, uint64(i+1))))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", d.user)
	d.server.Handler = mux
	var err error
	if d.URL, err = drill.Serve(ctx, &d.server); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *directory) close() { _ = d.server.Close() }

func (d *directory) user(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 1 || id > len(names) {
		http.NotFound(w, r)
		return
	}
	if d.fails(id) {
		http.Error(w, "overloaded", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d", freshFor/time.Second))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(profile{id, names[id-1]})
}

func (d *directory) fails(id int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.served++
	return d.dice[id-1].Float64() < failing
}

func (d *directory) calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.served
}
