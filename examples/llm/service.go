package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/examples/internal/drill"
)

// A service is an LLM's API on the loopback interface. It does to the large
// model's requests what the scenario says, and answers everything else.
type service struct {
	wire
	URL    string
	large  string
	server http.Server

	mu      sync.Mutex // guards the rest
	faults  []fault    // to come
	endless bool       // the last of them stays
	seen    []int      // what the large model's requests were answered
	all     int        // requests, those of the small model too
	sent    int        // pieces of the stream that is on its way
	hold    chan struct{}
}

// A fault is what happens to one request. The zero value is that it goes well.
type fault struct {
	status int         // in place of an answer
	header http.Header // what the service says of a retry
	cut    bool        // the answer breaks off half-way
}

// tokens are the answer. They are what a stream is made of.
var tokens = []string{"Circuits ", "open, ", "calls ", "wait, ", "and ", "the service recovers."}

// patience is how long a stream waits for its reader to have the first token.
const patience = 3 * time.Second

func serve(ctx context.Context, s *sdk) (*service, error) {
	v := &service{wire: s.wire, large: s.large}
	v.server.Handler = v
	var err error
	if v.URL, err = drill.Serve(ctx, &v.server); err != nil {
		return nil, err
	}
	return v, nil
}

// begin makes the service ready for a scenario.
func (s *service) begin(c scenario) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.endless = c.faults, c.endless
	s.seen, s.all, s.sent, s.hold = nil, 0, 0, make(chan struct{})
}

// saw returns what the large model's requests were answered, and how many
// requests there were for both models.
func (s *service) saw() (seen []int, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen, s.all
}

// arrived is told that the reader of a stream has a token. It returns how many
// were sent until then; at the first one the rest is let go.
func (s *service) arrived() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.hold:
	default:
		close(s.hold)
	}
	return s.sent
}

// next chooses what happens to a request.
func (s *service) next(model string) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all++
	var f fault
	if model != s.large {
		return f
	}
	if len(s.faults) > 0 {
		f = s.faults[0]
		if !s.endless || len(s.faults) > 1 {
			s.faults = s.faults[1:]
		}
	}
	s.seen = append(s.seen, max(f.status, http.StatusOK))
	return f
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	model, stream := s.asked(r)
	f := s.next(model)
	maps.Copy(w.Header(), f.header)
	switch {
	case f.status != 0:
		write(w, f.status, s.refusal(f.status), false)
	case stream:
		s.stream(w, r, model, f.cut)
	default:
		write(w, http.StatusOK, s.whole(model, strings.Join(tokens, "")), f.cut)
	}
}

// stream sends one token, waits until it was read, and sends the rest, half of
// it if the stream is to be cut.
func (s *service) stream(w http.ResponseWriter, r *http.Request, model string, cut bool) {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range tokens {
		if cut && i == len(tokens)/2 {
			panic(http.ErrAbortHandler)
		}
		s.mu.Lock()
		s.sent++
		s.mu.Unlock()
		io.WriteString(w, s.piece(model, tokens, i))
		http.NewResponseController(w).Flush()
		if i == 0 {
			select {
			case <-hold:
			case <-r.Context().Done():
			case <-time.After(patience): // then the reader did not get it: something buffers
			}
		}
	}
}

// write sends a document, or half of it.
func write(w http.ResponseWriter, status int, o object, cut bool) {
	doc, _ := json.Marshal(o)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(doc)))
	w.WriteHeader(status)
	if !cut {
		w.Write(doc)
		return
	}
	w.Write(doc[:len(doc)/2])
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
