package main

import (
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// faults decides what goes wrong. The n-th request meets the n-th fault of the
// seed's list.
type faults struct {
	seed  uint64
	share float64       // of the requests that meet one
	slow  time.Duration // the latest that an answer is late

	mu   sync.Mutex // guards dice
	dice *rand.Rand
}

// A fault is what goes wrong with one request.
type fault int

const (
	none fault = iota

	// Nothing was done.
	unavailable // 503 with Retry-After
	throttled   // 429 with Retry-After
	failed      // 500
	reset       // the connection is reset

	// It is done, but the caller may have lost patience.
	slow

	// It was done, but the caller does not hear of it.
	failedAfter // 500
	resetAfter
	cutAfter // half of the answer

	kinds
)

// start begins the list, another one for each life of a ledger.
func (f *faults) start(life int) { f.dice = rand.New(rand.NewPCG(f.seed, uint64(life))) }

// next returns the fault of the next request, and how late it is if it is
// slow.
func (f *faults) next() (fault, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dice.Float64() >= f.share {
		return none, 0
	}
	return 1 + fault(f.dice.IntN(int(kinds)-1)), time.Duration(f.dice.Float64() * float64(f.slow))
}

// before does what goes wrong before the work, and says whether that was all.
func (f fault) before(w http.ResponseWriter, late time.Duration) (over bool) {
	switch f {
	case unavailable:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "closed for a moment", http.StatusServiceUnavailable)
	case throttled:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "not so fast", http.StatusTooManyRequests)
	case failed:
		http.Error(w, "something broke", http.StatusInternalServerError)
	case reset:
		hangUp(w)
	case slow:
		time.Sleep(late) // even if the caller has gone by then
		return false
	default:
		return false
	}
	return true
}

// after does what goes wrong after the work, and says whether that was all.
func (f fault) after(w http.ResponseWriter, status int, answer []byte) (over bool) {
	switch f {
	case failedAfter:
		http.Error(w, "something broke", http.StatusInternalServerError)
	case resetAfter:
		hangUp(w)
	case cutAfter:
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		w.WriteHeader(status)
		w.Write(answer[:len(answer)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
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
