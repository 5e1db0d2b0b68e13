package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/safetrip-go/safetrip/examples/internal/drill"
)

// A service is a user directory that answers by a script.
type service struct {
	URL    string
	server http.Server
	waits  chan struct{} // told of each request that hangs

	mu       sync.Mutex // guards the rest
	script   []reply    // to come; the last one stays
	requests int
	dials    int
}

// A reply is what one request is answered.
type reply struct {
	status     int // 0: nothing until the client is gone
	retryAfter string
	more       int // bytes that follow the words
}

var (
	well = reply{status: http.StatusOK}
	down = reply{status: http.StatusServiceUnavailable}
)

// words are what the service says of its failure.
const words = "the database is down, ticket 4711"

func serve(ctx context.Context) (*service, error) {
	s := &service{waits: make(chan struct{}, 10), script: []reply{well}}
	s.server.Handler = s
	s.server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			s.dials++
			s.mu.Unlock()
		}
	}
	var err error
	if s.URL, err = drill.Serve(ctx, &s.server); err != nil {
		return nil, err
	}
	return s, nil
}

// says sets the script, and counts from now on.
func (s *service) says(script ...reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.requests, s.dials = script, 0, 0
}

// saw returns how many requests and new connections there were.
func (s *service) saw() (requests, dials int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.dials
}

func (s *service) next() reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	r := s.script[0]
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
	return r
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	switch a := s.next(); a.status {
	case 0:
		s.waits <- struct{}{}
		<-r.Context().Done()
	case http.StatusOK:
		io.WriteString(w, `{"id":"1","name":"Ada"}`)
	default:
		if a.retryAfter != "" {
			w.Header().Set("Retry-After", a.retryAfter)
		}
		w.WriteHeader(a.status)
		io.WriteString(w, words+strings.Repeat(".", a.more))
	}
}
