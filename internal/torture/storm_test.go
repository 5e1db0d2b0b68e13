package torture

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/chaos"
)

// places is how many attempts the Limit lets be under way to one server.
const places = 16

// A storm is a program under bad conditions: two servers of which neither is
// reliable, connections that break, chaos, and callers without patience. What is
// random of a call is decided by the seed and the call's number.
type storm struct {
	*testing.T
	seed    uint64
	ledger  ledger
	servers []service // that speak HTTP/1 and HTTP/2
	network network
	chaos   chaos.Injector
	agent   *safetrip.Agent
	client  *http.Client
	breaker transport.Breaker
	health  healthz.Monitor
	bodies  openBodies
	meeting meeting
	routine int // goroutines before there was an Agent

	mu   sync.Mutex // guards what
	what map[string]int
}

func newStorm(t *testing.T, seed uint64) *storm {
	s := &storm{T: t, seed: seed, what: map[string]int{}}
	s.serve()
	s.routine = runtime.NumGoroutine()
	s.rage()
	s.breaker = transport.Breaker{FailureThreshold: 10, OpenFor: time.Millisecond, MaxOpenFor: 5 * time.Millisecond, Successes: 2}
	agent, err := safetrip.New("storm", safetrip.Config{
		Base:       s.base(),
		Retry:      transport.Retry{BaseDelay: time.Millisecond, MaxDelay: 4 * time.Millisecond, MaxHint: 2 * time.Millisecond},
		Breaker:    &s.breaker,
		Timeout:    transport.Timeout{Headers: time.Minute, Idle: time.Minute},
		Deadline:   transport.Deadline{Total: time.Minute},
		Limit:      transport.Limit{Concurrency: places, Queue: callers, Wait: time.Minute},
		Buffer:     &transport.Buffer{MaxBytes: 1 << 10},
		PerAttempt: []transport.Middleware{s.chaos.Wrap, s.bodies.count, watch},
		Health:     &s.health,
		Logger:     slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.agent, s.client = agent, agent.Client()
	return s
}

func (s *storm) serve() {
	for _, p := range []protocol{http1, http2} {
		mux := new(http.ServeMux)
		mux.HandleFunc("/items/", s.item)
		mux.HandleFunc("/meeting", s.meeting.join)
		s.servers = append(s.servers, service{&s.ledger, serve(s.T, s.ledger.counting(mux), p), p})
	}
}

// base sends to each server what it speaks.
func (s *storm) base() byHost {
	b := byHost{}
	for _, to := range s.servers {
		b[to.server.Listener.Addr().String()] = newTransport(to.server, to.protocol, &s.network)
	}
	return b
}

// byHost is several transports in one.
type byHost map[string]*http.Transport

func (b byHost) RoundTrip(req *http.Request) (*http.Response, error) {
	return b[req.URL.Host].RoundTrip(req)
}

func (b byHost) CloseIdleConnections() {
	for _, tr := range b {
		tr.CloseIdleConnections()
	}
}

// rage begins the storm.
func (s *storm) rage() {
	s.chaos.Seed = s.seed
	if err := s.chaos.Set(
		chaos.Fault{Rate: 0.02, Err: chaos.Refused},
		chaos.Fault{Rate: 0.02, Err: chaos.Reset},
		chaos.Fault{Rate: 0.01, Err: chaos.TimedOut},
		chaos.Fault{Rate: 0.01, Err: chaos.NoSuchHost},
		chaos.Fault{Rate: 0.02, Status: http.StatusServiceUnavailable, RetryAfter: time.Second},
		chaos.Fault{Rate: 0.02, Status: http.StatusTooManyRequests},
		chaos.Fault{Rate: 0.02, Cut: 10},
		chaos.Fault{Rate: 0.02, Latency: time.Millisecond, Jitter: 2 * time.Millisecond},
	); err != nil {
		s.Fatal(err)
	}
	s.network.storm(0.003, s.seed)
}

// dice are those of a call, or of what the server does when it sees it.
func (s *storm) dice(c *call, sighting int64) *rand.Rand {
	id, _ := strconv.ParseUint(c.name, 10, 64)
	return rand.New(rand.NewPCG(s.seed+uint64(sighting), id))
}

// text is what the server has under a path. Some of it is larger than the Agent
// reads ahead, and some is not.
func text(path string) string {
	n, _ := strconv.Atoi(strings.TrimPrefix(path, "/items/"))
	return strings.Repeat(path+" ", n)
}

const items = 500

// item answers, if it pleases.
func (s *storm) item(w http.ResponseWriter, r *http.Request) {
	c := s.ledger.of(r)
	if c == nil {
		io.WriteString(w, text(r.URL.Path)) // the storm is over
		return
	}
	w.Header().Set(callHeader, c.name)
	dice := s.dice(c, c.seen.Load())
	if dice.IntN(4) > 0 {
		io.Copy(io.Discard, r.Body)
	}
	switch p := dice.IntN(100); {
	case p < 3:
		panic(http.ErrAbortHandler)
	case p < 6:
		hangUp(w)
	case p < 9:
		answer := text(r.URL.Path)
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		io.WriteString(w, answer[:len(answer)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case p < 13:
		http.Error(w, "not now", http.StatusServiceUnavailable)
	case p < 15:
		http.Error(w, "broken", http.StatusInternalServerError)
	default:
		io.WriteString(w, text(r.URL.Path))
	}
}

// hangUp resets the connection, or the stream.
func hangUp(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := c.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

// openBodies is how many answers are in the kit's hands, or the caller's, that
// were not closed.
type openBodies struct{ n atomic.Int64 }

func (o *openBodies) count(next http.RoundTripper) http.RoundTripper {
	return transport.Func(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil {
			o.n.Add(1)
			resp.Body = &openBody{ReadCloser: resp.Body, bodies: o}
		}
		return resp, err
	})
}

type openBody struct {
	io.ReadCloser
	bodies *openBodies
	once   sync.Once
}

func (b *openBody) Close() error {
	b.once.Do(func() { b.bodies.n.Add(-1) })
	return b.ReadCloser.Close()
}

// call makes a call, and takes from its answer what it wants.
func (s *storm) call() {
	c := s.ledger.open("", "")
	dice := s.dice(c, 0)
	ctx, cancel := patienceOf(s.Context(), dice)
	defer cancel()
	req := s.request(ctx, c, dice)
	resp, err := s.client.Do(req)
	if err != nil {
		v := transport.Classify(req, nil, err)
		s.count("failed: " + v.Category.String())
		if unknown(v, err) {
			s.Errorf("call %s ended with an error that is not known: %v", c.name, err)
		}
		return
	}
	defer resp.Body.Close()
	s.origin(c, resp)
	if dice.IntN(10) == 0 {
		s.count("left unread")
		return
	}
	s.read(c, resp)
}

// origin notes where an answer came from.
func (s *storm) origin(c *call, resp *http.Response) {
	switch source := c.trip.Answer().Source; {
	case source == transport.SourceCache:
		s.count("answered: by the cache")
		return
	case resp.Header.Get("Chaos") == "made up":
		s.count("answered: by chaos")
		return
	case resp.Header.Get(callHeader) != c.name:
		s.Errorf("call %s was given the answer to call %s", c.name, resp.Header.Get(callHeader))
	}
	c.answered = true
	s.count("answered: " + strconv.Itoa(resp.StatusCode))
}

func (s *storm) read(c *call, resp *http.Response) {
	want := text(resp.Request.URL.Path)
	if c.method == http.MethodHead {
		want = ""
	}
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		v := transport.Classify(resp.Request, nil, err)
		s.count("cut: " + v.Category.String())
		if unknown(v, err) {
			s.Errorf("call %s: the answer ended with an error that is not known: %v", c.name, err)
		}
	case resp.StatusCode == http.StatusOK && string(body) != want:
		s.Errorf("call %s: %d bytes and no error, want %d", c.name, len(body), len(want))
	}
}

// patienceOf is that of a call's caller: some have little.
func patienceOf(ctx context.Context, dice *rand.Rand) (context.Context, context.CancelFunc) {
	d := time.Duration(dice.Int64N(int64(3 * time.Millisecond)))
	switch dice.IntN(40) {
	case 0:
		return context.WithTimeout(ctx, d)
	case 1:
		ctx, cancel := context.WithCancel(ctx)
		timer := time.AfterFunc(d, cancel)
		return ctx, func() { timer.Stop(); cancel() }
	}
	return ctx, func() {}
}

func (s *storm) request(ctx context.Context, c *call, dice *rand.Rand) *http.Request {
	to := s.servers[dice.IntN(len(s.servers))]
	c.method, c.protocol = []string{"GET", "GET", "GET", "HEAD", "PUT", "POST", "POST"}[dice.IntN(7)], to.protocol
	sends := c.method == http.MethodPut || c.method == http.MethodPost
	c.key = sends && dice.IntN(3) == 0
	req := c.begin(ctx, to.server.URL+"/items/"+strconv.Itoa(dice.IntN(items)))
	if sends {
		size := dice.IntN(8 << 10)
		if dice.IntN(10) == 0 {
			size = dice.IntN(100 << 10)
		}
		c.attach(req, size, replay(dice.IntN(3)))
	}
	return req
}

func (s *storm) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what[what]++
}
