package torture

import (
	"net/http"
	"strconv"
	"sync"
)

// A ledger has all calls.
type ledger struct {
	mu    sync.Mutex // guards calls
	calls []*call
}

// open begins an account.
func (l *ledger) open(method string, p protocol) *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &call{name: strconv.Itoa(len(l.calls)), method: method, protocol: p}
	l.calls = append(l.calls, c)
	return c
}

// of returns the call that came to the server with r, or nil if it is none of
// the ledger's.
func (l *ledger) of(r *http.Request) *call {
	id, err := strconv.Atoi(r.Header.Get(callHeader))
	if err != nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[id]
}

// counting counts what the server sees.
func (l *ledger) counting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := l.of(r); c != nil {
			c.seen.Add(1)
		}
		h.ServeHTTP(w, r)
	})
}
