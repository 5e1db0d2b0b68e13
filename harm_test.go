package safetrip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// Under the toxics of this file a connection is none any more, and a call may
// fail. Of each of them it is asked that
//
//   - a program sees what it would see without the Agent: the same answer cut
//     at the same byte, or an error with the same causes, and a response or an
//     error, never both;
//   - each attempt is judged for what it was: its category, whether the
//     request can have arrived, whether another try can help, and what is sent
//     again is what may be;
//   - a call succeeds on its second attempt when the harm is gone by then;
//   - the circuit opens on the fifth failure when the harm stays, and from then
//     on nothing is sent;
//   - the cache answers in place of the service all the while, with what was
//     whole;
//   - each request body, and each copy of it, is closed once, and no goroutine
//     is left.

// A harm is what breaks connections, and what calls meet behind it.
type harm struct {
	what     string
	toxic    toxic // if it has no type, the proxy is down
	buffer   bool  // the Agent reads small bodies ahead
	category transport.Category
	sent     transport.Sent
	resent   []string // the methods that are sent again
	inBody   bool     // the answer comes, and its body breaks off: that is the caller's to see, and nobody else's
}

// What may be sent again. A cut answer shows that the service was at work, so
// it is asked again only for what changes nothing; what provably did not leave
// is sent again whatever it is.
var (
	safeOnes   = []string{http.MethodGet}
	idempotent = []string{http.MethodGet, http.MethodPut}
	everything = []string{http.MethodGet, http.MethodPut, http.MethodPost}
)

var harms = []harm{
	{
		what: "timeout: no answer comes", toxic: toxic{"timeout", toClient, map[string]int{"timeout": 0}},
		category: transport.TimedOut, sent: transport.Maybe, resent: idempotent,
	},
	{
		what: "timeout: the request is lost, then the connection closes", toxic: toxic{"timeout", toServer, map[string]int{"timeout": 20}},
		category: transport.Network, sent: transport.Maybe, resent: idempotent,
	},
	{
		what: "reset_peer: in place of the answer", toxic: toxic{"reset_peer", toClient, map[string]int{"timeout": 0}},
		category: transport.Network, sent: transport.Maybe, resent: idempotent,
	},
	{
		what: "reset_peer: in place of the request", toxic: toxic{"reset_peer", toServer, map[string]int{"timeout": 0}},
		category: transport.Network, sent: transport.Maybe, resent: idempotent,
	},
	{
		what: "limit_data: the request breaks off", toxic: toxic{"limit_data", toServer, map[string]int{"bytes": 20}},
		category: transport.Network, sent: transport.Maybe, resent: idempotent,
	},
	{
		what: "limit_data: nothing of the answer comes", toxic: toxic{"limit_data", toClient, map[string]int{"bytes": 0}},
		category: transport.Network, sent: transport.Maybe, resent: idempotent,
	},
	{
		what: "limit_data: the answer breaks off between two of its headers", toxic: toxic{"limit_data", toClient, map[string]int{"bytes": len(statusLine)}},
		category: transport.Data, sent: transport.Maybe, resent: safeOnes,
	},
	{ // net/http takes half a name for a malformed header, as which it would come again
		what: "limit_data: the answer breaks off in the name of a header", toxic: toxic{"limit_data", toClient, map[string]int{"bytes": len(statusLine) + 3}},
		category: transport.Data, sent: transport.Maybe,
	},
	{
		what: "limit_data: the answer breaks off in its body", toxic: toxic{"limit_data", toClient, map[string]int{"bytes": 1000}},
		inBody: true, sent: transport.Answered,
	},
	{
		what: "limit_data: the answer breaks off in its body, which is read ahead", toxic: toxic{"limit_data", toClient, map[string]int{"bytes": 1000}},
		buffer: true, category: transport.Data, sent: transport.Maybe, resent: safeOnes,
	},
	{
		what:     "down",
		category: transport.Network, sent: transport.Unsent, resent: everything,
	},
}

const statusLine = "HTTP/1.1 200 OK\r\n"

// wholeAnswer is what the service says, if nobody cuts it short.
var wholeAnswer = strings.Repeat("x", 4096)

// patience is how long a call waits for headers.
const patience = 400 * time.Millisecond

// A scene is a service behind a proxy, and an Agent that calls it.
type scene struct {
	t *testing.T
	harm
	*proxy
	url    string
	served atomic.Int64 // requests that the service saw, whole or not
	sends  atomic.Int64 // attempts of the Agent
	onSend func(attempt int64)
	agent  *safetrip.Agent
}

// play runs an act for each harm. Whatever it starts has to end with it.
func play(t *testing.T, act func(*scene)) {
	t.Parallel()
	p := startToxiproxy(t)
	for _, h := range harms {
		t.Run(h.what, func(t *testing.T) {
			t.Parallel()
			leavesNoGoroutine(t)
			s := &scene{t: t, harm: h, onSend: func(int64) {}}
			server := httptest.NewServer(http.HandlerFunc(s.serve))
			t.Cleanup(server.Close)
			t.Cleanup(server.CloseClientConnections)
			x, err := p.lead(t.Context(), server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			s.proxy, s.url = x, "http://"+x.Listen+"/"
			s.agent = newAgent(t, s.config())
			t.Cleanup(s.agent.Client().CloseIdleConnections)
			act(s)
		})
	}
}

func (s *scene) serve(w http.ResponseWriter, r *http.Request) {
	s.served.Add(1)
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Length", strconv.Itoa(len(wholeAnswer)))
	io.WriteString(w, wholeAnswer)
}

// config is the default one, impatient, with a counter of attempts.
func (s *scene) config() safetrip.Config {
	cfg := impatient()
	cfg.Base = new(http.Transport)
	cfg.Timeout.Headers = patience
	if s.buffer {
		cfg.Buffer = new(transport.Buffer)
	}
	cfg.PerAttempt = []transport.Middleware{func(next http.RoundTripper) http.RoundTripper {
		return transport.Func(func(req *http.Request) (*http.Response, error) {
			s.onSend(s.sends.Add(1))
			return next.RoundTrip(req)
		})
	}}
	return cfg
}

// begin does the harm, and end undoes it.
func (s *scene) begin() { s.change(false) }
func (s *scene) end()   { s.change(true) }

func (s *scene) change(whole bool) {
	var err error
	switch {
	case s.toxic.Type == "":
		err = s.enable(s.t.Context(), whole)
	case whole:
		err = s.mend(s.t.Context(), s.toxic)
	default:
		err = s.spoil(s.t.Context(), s.toxic)
	}
	if err != nil {
		s.t.Error(err)
	}
}

// What became of a call.
type result struct {
	status int    // 0 if there was no answer
	text   string // as much of the body as came
	err    error  // of the call, or of its body
	header http.Header
	trip   *transport.Trip
}

func (r result) String() string {
	return fmt.Sprintf("%d, %d bytes, %q (%v)", r.status, len(r.text), causes(r.err), r.err)
}

// call makes a call, and watches over what a RoundTripper owes: a response or
// an error and not both, each request body closed once.
func (s *scene) call(rt http.RoundTripper, method string) result {
	s.t.Helper()
	ctx, trip := transport.NewTrip(s.t.Context())
	req, err := http.NewRequestWithContext(ctx, method, s.url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	var bodies []*rttest.Body
	body := func() *rttest.Body {
		bodies = append(bodies, &rttest.Body{Reader: strings.NewReader("body")})
		return bodies[len(bodies)-1]
	}
	if method != http.MethodGet {
		req.Body, req.ContentLength = body(), 4
		req.GetBody = func() (io.ReadCloser, error) { return body(), nil }
	}
	resp, err := rt.RoundTrip(req)
	if (resp == nil) == (err == nil) {
		s.t.Errorf("%s: both or neither of a response and an error: %v, %v", method, resp, err)
	}
	r := result{err: err, trip: trip}
	if resp != nil {
		var text []byte
		text, r.err = io.ReadAll(resp.Body)
		r.status, r.text, r.header = resp.StatusCode, string(text), resp.Header
		resp.Body.Close()
	}
	for i, b := range bodies {
		eventually(s.t, func() bool { return b.Closes() > 0 })
		if n := b.Closes(); n != 1 {
			s.t.Errorf("%s: body %d of %d was closed %d times", method, i+1, len(bodies), n)
		}
	}
	return r
}

// causes are what a program can find out about an error.
func causes(err error) (all []string) {
	for _, c := range []struct {
		name string
		is   bool
	}{
		{"io.EOF", errors.Is(err, io.EOF)},
		{"io.ErrUnexpectedEOF", errors.Is(err, io.ErrUnexpectedEOF)},
		{"ECONNRESET", errors.Is(err, syscall.ECONNRESET)},
		{"ECONNREFUSED", errors.Is(err, syscall.ECONNREFUSED)},
		{"context.DeadlineExceeded", errors.Is(err, context.DeadlineExceeded)},
		{"context.Canceled", errors.Is(err, context.Canceled)},
		{"*net.OpError", is[*net.OpError](err)},
		{"a timeout", timeout(err)},
	} {
		if c.is {
			all = append(all, c.name)
		}
	}
	return all
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// timeout asks the outermost error alone, as an http.Client does.
func timeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

func TestABrokenConnectionIsWhatItIsWithoutTheAgent(t *testing.T) {
	play(t, func(s *scene) {
		base := &http.Transport{ResponseHeaderTimeout: patience}
		defer base.CloseIdleConnections()
		s.begin()
		for _, method := range everything {
			// Where a reset meets a request that is still being written, either
			// end of the connection may be the first to notice, bare as well.
			var bare, got result
			for range 10 {
				bare = s.call(base, method)
				if got = s.callOnce(method); s.same(bare, got) {
					break
				}
			}
			if !s.same(bare, got) {
				s.t.Errorf("%s: %v; without the Agent %v", method, got, bare)
			}
		}
	})
}

// callOnce makes a call with an Agent of its own, whose circuits are closed,
// and checks what it thought of the attempts.
func (s *scene) callOnce(method string) result {
	s.t.Helper()
	agent := newAgent(s.t, s.config())
	defer agent.Client().CloseIdleConnections()
	served := s.served.Load()
	r := s.call(agent.Transport(), method)
	s.checkAttempts(method, r.trip)
	if s.sent == transport.Unsent && s.served.Load() > served {
		s.t.Errorf("%s: the verdict is that nothing was sent, and the service saw it", method)
	}
	return r
}

// same says whether a program could tell two failures apart. With Buffer, what
// came of an answer that was cut is not shown.
func (s *scene) same(bare, got result) bool {
	shown := s.buffer || got.status == bare.status && got.text == bare.text
	return shown && bare.err != nil && got.err != nil && slices.Equal(causes(bare.err), causes(got.err))
}

// checkAttempts compares each attempt's verdict with what the harm is.
func (s *scene) checkAttempts(method string, trip *transport.Trip) {
	s.t.Helper()
	want := 1
	if slices.Contains(s.resent, method) {
		want = 3
	}
	attempts := trip.Attempts()
	if len(attempts) != want {
		s.t.Errorf("%s: %d attempts; want %d", method, len(attempts), want)
	}
	// That a POST is not sent again is the method's fault, not the verdict's.
	retryable := want == 3 || len(s.resent) > 0 && s.category != transport.Data
	for i, a := range attempts {
		if v := a.Verdict; v.Category != s.category || v.Sent != s.sent || v.Retryable != retryable {
			s.t.Errorf("%s: attempt %d was judged %v, %v, retryable: %t (%v); want %v, %v, %t",
				method, i+1, v.Category, v.Sent, v.Retryable, a.Err, s.category, s.sent, retryable)
		}
	}
}

func TestACallSurvivesAHarmThatPasses(t *testing.T) {
	play(t, func(s *scene) {
		for _, method := range s.resent {
			// From a new connection: of one that is kept and turns out to be
			// dead nobody knows whether a POST got through.
			s.agent.Client().CloseIdleConnections()
			s.begin()
			s.onSend = func() func(int64) {
				before := s.sends.Load()
				return func(n int64) {
					if n == before+2 {
						s.end()
					}
				}
			}()
			r := s.call(s.agent.Transport(), method)
			if r.status != http.StatusOK || r.text != wholeAnswer || r.err != nil {
				s.t.Errorf("%s: %v; want the whole answer", method, r)
			}
			if n := len(r.trip.Attempts()); n != 2 {
				s.t.Errorf("%s: %d attempts; want 2", method, n)
			}
		}
	})
}

func TestTheCircuitOpensOnAHarmThatStays(t *testing.T) {
	play(t, func(s *scene) {
		s.begin()
		var last result
		for range 6 {
			last = s.call(s.agent.Transport(), http.MethodGet)
		}
		want := transport.Open
		if s.inBody { // the circuit has heard the headers, and thinks that all is well
			want = transport.Closed
		}
		if c := s.agent.Report().Circuits; len(c) != 1 || c[0].State != want {
			s.t.Errorf("circuits %+v; want one, %v", c, want)
		}
		if want == transport.Closed {
			return
		}
		if !errors.Is(last.err, transport.ErrCircuitOpen) {
			s.t.Errorf("the last call failed with %v; want a refusal", last.err)
		}
		if r := s.call(s.agent.Transport(), http.MethodPost); !errors.Is(r.err, transport.ErrCircuitOpen) {
			s.t.Errorf("a POST failed with %v; want a refusal", r.err)
		}
		if n := s.sends.Load(); n != 5 {
			s.t.Errorf("%d attempts were sent; want the 5 that open a circuit", n)
		}
	})
}

func TestTheLadderAnswersWhileAHarmStays(t *testing.T) {
	play(t, func(s *scene) {
		if r := s.call(s.agent.Transport(), http.MethodGet); r.text != wholeAnswer || r.err != nil {
			s.t.Fatalf("before: %v", r)
		}
		s.begin()
		if s.inBody {
			// Too late for the ladder. But what was cut is not kept, and does
			// not stand in for anything.
			if r := s.call(s.agent.Transport(), http.MethodGet); !errors.Is(r.err, io.ErrUnexpectedEOF) {
				s.t.Errorf("the cut answer ended with %v", r.err)
			}
			if err := s.enable(s.t.Context(), false); err != nil {
				s.t.Fatal(err)
			}
		}
		for call := range 6 { // the last ones meet an open circuit
			r := s.call(s.agent.Transport(), http.MethodGet)
			if r.status != http.StatusOK || r.text != wholeAnswer || r.err != nil {
				s.t.Errorf("call %d: %v; want the answer of before", call, r)
			}
			if a := r.trip.Answer(); a.Source != transport.SourceCache || a.Level != transport.Degraded || r.header.Get("Cache-Status") == "" {
				s.t.Errorf("call %d: it came from %+v, Cache-Status %q; want the cache, and that it says so", call, a, r.header.Get("Cache-Status"))
			}
		}
	})
}

// eventually waits for what another goroutine does in its own time.
func eventually(t *testing.T, holds func() bool) bool {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-look.C {
		if holds() {
			return true
		}
	}
	return holds()
}

// leavesNoGoroutine complains if what the test starts from here on is not
// ended by what it has cleaned up. Other tests may run at the same time: the
// goroutines are known by a label, which they inherit.
func leavesNoGoroutine(t *testing.T) {
	t.Helper()
	name := t.Name()
	pprof.SetGoroutineLabels(pprof.WithLabels(t.Context(), pprof.Labels("test", name)))
	t.Cleanup(func() {
		pprof.SetGoroutineLabels(context.Background())
		if !eventually(t, func() bool { return len(labelled(name)) == 0 }) {
			t.Errorf("left behind:\n%s", strings.Join(labelled(name), "\n"))
		}
	})
}

// labelled returns the stacks of the goroutines that have a label.
func labelled(name string) (stacks []string) {
	var profile bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1) // a Buffer takes everything
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, strconv.Quote(name)) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}
