package torture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

// patience is longer than anything here takes that goes well.
const patience = 10 * time.Second

// A service is a server and the ledger that it keeps.
type service struct {
	ledger   *ledger
	server   *httptest.Server
	protocol protocol
}

// A rig is a client with an Agent, on a network of its own.
type rig struct {
	*testing.T
	service

	label   string
	network network
	agent   *safetrip.Agent
	client  *http.Client
	breaker transport.Breaker
	budget  transport.Budget
	health  healthz.Monitor
	calls   []tried
	trips   int             // through the Agent; a redirect makes two of one call
	kept    map[string]bool // paths whose answers the cache has
	routine int             // goroutines before there was a rig
}

// tried is a call, and the step that it was made for.
type tried struct {
	*call
	step *step
	met  *fault // that it may have met; nil if none
}

func newRig(t *testing.T, s service, label string) *rig {
	r := &rig{T: t, service: s, label: label, kept: map[string]bool{}, routine: runtime.NumGoroutine()}
	r.breaker.OpenFor = time.Nanosecond
	r.breaker.Successes = 1
	agent, err := safetrip.New("torture", safetrip.Config{
		Base:       newTransport(s.server, s.protocol, &r.network),
		Retry:      transport.Retry{BaseDelay: -1, Budget: &r.budget},
		Breaker:    &r.breaker,
		Timeout:    transport.Timeout{Headers: patience, Idle: patience},
		Deadline:   transport.Deadline{Total: patience},
		Limit:      transport.Limit{Concurrency: 1, Queue: -1}, // a place that is not given back is missed at once
		PerCall:    []transport.Middleware{r.outermost},
		PerAttempt: []transport.Middleware{watch},
		Health:     &r.health,
		Logger:     slog.New(slog.NewTextHandler(io.Discard, nil)),
		Disable:    safetrip.Health,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.agent, r.client = agent, agent.Client()
	return r
}

func (r *rig) fault(format string, args ...any) {
	r.Helper()
	r.Errorf("%s: %s", r.label, fmt.Sprintf(format, args...))
}

// outermost holds the Agent to the contract of a RoundTripper.
func (r *rig) outermost(next http.RoundTripper) http.RoundTripper {
	return transport.Func(func(req *http.Request) (*http.Response, error) {
		r.trips++
		resp, err := next.RoundTrip(req)
		if (resp == nil) == (err == nil) {
			r.fault("RoundTrip returned %v and %v", resp, err)
		}
		if resp != nil && resp.Request != req {
			r.fault("Response.Request is not the caller's")
		}
		return resp, err
	})
}

// torture makes an exchange while the nth operation meets f, and holds the kit
// to its promises. It reports whether there was an nth operation.
func (r *rig) torture(x *exchange, f *fault, nth int) bool {
	if x.probe {
		r.call(&small1, nil)
		r.breaker.Open(r.server.URL)
	}
	r.network.expect(f, nth)
	for i := range x.steps {
		r.call(&x.steps[i], f)
	}
	met := r.network.calm() > 0
	if f.lasting {
		r.call(&small1, f) // a connection of HTTP/2 may be broken by it without anybody having been told
	}
	r.call(&small1, nil) // the next call works
	r.settle()
	return met
}

// call makes a call. Without a fault it must go well.
func (r *rig) call(s *step, f *fault) {
	c := tried{call: r.ledger.open(s.method, r.protocol), step: s, met: f}
	r.calls = append(r.calls, c)
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	resp, err := r.client.Do(r.request(ctx, c))
	if err != nil {
		r.refused(c, err)
		return
	}
	defer resp.Body.Close()
	if f == nil && c.trip.Answer().Source != transport.SourceOrigin && c.trip.Answer().Source != "" {
		r.fault("%s %s: %q answered, and nothing was wrong with the service", s.method, s.path, c.trip.Answer().Source)
	}
	r.read(c, resp)
}

func (r *rig) request(ctx context.Context, c tried) *http.Request {
	s := c.step
	c.key = s.key
	req := c.begin(ctx, r.server.URL+s.path)
	req.Close = s.alone
	if name, value, ok := strings.Cut(s.header, ": "); ok {
		req.Header.Set(name, value)
		if name == "Upgrade" {
			req.Header.Set("Connection", "Upgrade")
		}
	}
	if s.body > 0 {
		c.attach(req, s.body, s.replay)
	}
	if s.trailers {
		req.Trailer = http.Header{"Sum": nil}
		c.bodies[0].Reader = io.MultiReader(c.bodies[0].Reader, atEnd(func() { req.Trailer.Set("Sum", "asked") }))
	}
	return req
}

// atEnd is a reader without bytes, which is called when it is come to.
type atEnd func()

func (f atEnd) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// refused looks at an error. It is one that had to come, and says truly what
// went wrong.
func (r *rig) refused(c tried, err error) {
	s, f := c.step, c.met
	if s.survives(c.call, f, err) || r.kept[s.path] {
		r.fault("%s %s: %v", s.method, s.path, err)
		return
	}
	if v := transport.Classify(nil, nil, err); !f.is(v.Category) {
		r.fault("%s %s: the category is %v, want %v: %v", s.method, s.path, v.Category, f.category, err)
	}
	if f.op == dial && !errors.Is(err, f.err) {
		r.fault("%s %s: the cause cannot be found in %#v", s.method, s.path, err)
	}
}

// read reads the answer. It is the right one, or it ends with an error.
func (r *rig) read(c tried, resp *http.Response) {
	s := c.step
	c.answered = c.trip.Answer().Source != transport.SourceCache
	if want := cmp.Or(s.status, http.StatusOK); resp.StatusCode != want {
		r.fault("%s %s was answered %s, want %d", s.method, s.path, resp.Status, want)
		return
	}
	body, want, err := s.take(resp.Body)
	switch {
	case !strings.HasPrefix(want, string(body)):
		r.fault("%s %s was answered with something else", s.method, s.path)
	case err != nil && c.met == nil:
		r.fault("%s %s: the answer ended with %v", s.method, s.path, err)
	case err != nil:
	case len(body) < len(want):
		r.fault("%s %s was answered with %d bytes and no error, want %d", s.method, s.path, len(body), len(want))
	case s.trailers && resp.Trailer.Get("Sum") != "answered":
		r.fault("%s %s: the trailer of the answer is missing", s.method, s.path)
	case s.method == http.MethodGet && !s.leave && resp.StatusCode == http.StatusOK:
		r.kept[s.path] = true
	}
}

// take reads what the caller wants of an answer. After an upgrade it has to ask
// for it.
func (s *step) take(answer io.Reader) (body []byte, want string, err error) {
	want = s.answer
	switch {
	case s.leave:
		want = want[:len(want)/2]
	case s.status == http.StatusSwitchingProtocols:
		if _, err := io.WriteString(answer.(io.Writer), want); err != nil {
			return nil, want, err
		}
	default:
		body, err = io.ReadAll(answer)
		return body, want, err
	}
	body = make([]byte, len(want))
	n, err := io.ReadFull(answer, body)
	return body[:n], want, err
}

// settle ends it all, and holds the kit to what can only be said then.
func (r *rig) settle() {
	r.agent.Close()
	left := func() (connections, goroutines int) {
		r.client.CloseIdleConnections() // again and again: one may become idle a moment after its answer was read
		return int(r.network.open.Load()), runtime.NumGoroutine() - r.routine
	}
	if !eventually(func() bool { c, g := left(); return c <= 0 && g <= 0 }) {
		c, g := left()
		stacks := make([]byte, 64<<10)
		r.fault("%d connections and %d goroutines are left\n%s", c, g, stacks[:runtime.Stack(stacks, true)])
	}
	attempts := 0
	for _, c := range r.calls {
		n, _ := c.sent()
		attempts += int(n)
		if reached := c.reached.Load(); n != reached {
			r.fault("%s %s came to net/http %d times, and its Trip has %d attempts", c.step.method, c.step.path, reached, n)
		}
		c.account(cmp.Or(c.step.sent, 1), r.fault)
	}
	r.books(attempts)
}

// books compares what the layers say of themselves with what happened.
func (r *rig) books(attempts int) {
	if t := r.health.Sources.Traffic(); t.InFlight != 0 || t.Total != uint64(r.trips) {
		r.fault("Stats has %d calls and %d in flight, want %d and none", t.Total, t.InFlight, r.trips)
	}
	retries := 0
	for _, b := range r.budget.States() {
		retries += b.Retries
	}
	if retries != attempts-r.trips {
		r.fault("the budget has %d retries, want %d", retries, attempts-r.trips)
	}
	for _, c := range r.breaker.States() {
		if c.State != transport.Closed {
			r.fault("the circuit %s is %v", c.Key, c.State)
		}
	}
	for _, l := range r.health.Sources.Ladders() {
		if l.Level != transport.Full {
			r.fault("the level of %s is %v", l.Key, l.Level)
		}
	}
}

// eventually reports whether what is so, or becomes so while it has patience.
func eventually(so func() bool) bool {
	for range 100 {
		if so() {
			return true
		}
		runtime.Gosched()
	}
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	end := time.After(patience)
	for {
		select {
		case <-tick.C:
			if so() {
				return true
			}
		case <-end:
			return so()
		}
	}
}
