// Package drill has what the examples call and how they call it: a service that
// fails on purpose, and the same calls to it, time after time.
package drill

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// An Upstream is a user directory that misbehaves on purpose. What it does to
// a call depends on the seed, the call's number and how often it has seen it:
// two runs of the same load meet the same faults. A nil Upstream is a service
// of the user's: it does what it does.
type Upstream struct {
	URL    string
	seed   uint64
	server http.Server

	mu     sync.Mutex // guards the rest
	began  time.Time  // set by Start
	seen   map[string]int
	served int
}

// Story is how long the upstream's story takes to be told.
const Story = 9 * time.Second

// The outage: from OutageFrom on, for OutageFor, every connection is reset.
const (
	OutageFrom = 3 * time.Second
	OutageFor  = 3 * time.Second
)

// FaultShare of the calls outside of the outage meet one of the faults.
const FaultShare = 0.12

// callHeader carries a call's number, so that the upstream knows a call that
// it has seen.
const callHeader = "X-Call"

// NewUpstream starts an upstream on a free port of the loopback interface. If
// wrap is not nil, it is put around the handler.
func NewUpstream(ctx context.Context, seed uint64, wrap func(http.Handler) http.Handler) (*Upstream, error) {
	u := &Upstream{seed: seed, seen: make(map[string]int)}
	u.server.Handler = http.HandlerFunc(u.serve)
	if wrap != nil {
		u.server.Handler = wrap(u.server.Handler)
	}
	var err error
	if u.URL, err = Serve(ctx, &u.server); err != nil {
		return nil, err
	}
	return u, nil
}

// Start begins the story anew: nothing was seen yet, and the outage lies ahead.
func (u *Upstream) Start() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.began, u.seen, u.served = time.Now(), make(map[string]int), 0
}

// Requests returns how many requests arrived since Start.
func (u *Upstream) Requests() int {
	if u == nil {
		return 0
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.served
}

// Close ends the upstream and its connections.
func (u *Upstream) Close() {
	if u != nil {
		u.server.Close()
	}
}

// A fault is what happens to one request.
type fault int

const (
	none fault = iota
	unavailable
	reset
	slow
	cut
)

// fault chooses what happens to the next request of a call.
func (u *Upstream) fault(call string) fault {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.served++
	u.seen[call]++
	if t := time.Since(u.began); t >= OutageFrom && t < OutageFrom+OutageFor {
		return reset
	}
	h := fnv.New64a()
	h.Write([]byte(call))
	r := rand.New(rand.NewPCG(u.seed, h.Sum64()+uint64(u.seen[call])))
	if r.Float64() >= FaultShare {
		return none
	}
	return []fault{unavailable, unavailable, reset, slow, cut}[r.IntN(5)]
}

func (u *Upstream) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := json.Marshal(map[string]string{"user": r.URL.Path, "name": "Ada Lovelace", "plan": "pro"})
	switch u.fault(r.Header.Get(callHeader)) {
	case unavailable:
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	case reset:
		hangUp(w)
	case slow:
		select {
		case <-time.After(10 * time.Second):
		case <-r.Context().Done():
		}
	case cut:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body[:len(body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	}
}

// hangUp resets the connection.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}
