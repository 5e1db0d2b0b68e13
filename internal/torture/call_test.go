package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// A call is one call of a client, and what was seen of it in different places.
type call struct {
	name     string
	method   string
	protocol protocol
	key      bool // it has an Idempotency-Key
	trip     *transport.Trip

	bodies   []*rttest.Body // the caller's, and the copies that the kit got by GetBody
	theirs   []*rttest.Body // the copies that net/http got for replays of its own
	reached  atomic.Int64   // attempts that came to net/http
	replays  atomic.Int64   // how often net/http sent an attempt again by itself
	below    atomic.Bool    // an attempt is in net/http's hands
	seen     atomic.Int64   // requests that came to the server
	answered bool           // the caller has an answer of the server
}

type callKey struct{}

// callHeader names a call, on every attempt.
const callHeader = "Torture-Call"

// begin returns the request of a call.
func (c *call) begin(ctx context.Context, url string) *http.Request {
	ctx, c.trip = transport.NewTrip(context.WithValue(ctx, callKey{}, c))
	req, err := http.NewRequestWithContext(ctx, c.method, url, nil)
	if err != nil {
		panic(err) // the test is wrong
	}
	req.Header.Set(callHeader, c.name)
	if c.key {
		req.Header.Set("Idempotency-Key", c.name)
	}
	return req
}

// A replay is how a request's body can be had again.
type replay uint8

const (
	getBody replay = iota // by GetBody
	known                 // not at all; its length is known
	stream                // not at all; nor is its length
)

var manyBytes = strings.Repeat("b", 256<<10)

// attach gives a request a body of so many bytes.
func (c *call) attach(req *http.Request, size int, how replay) {
	body := func() *rttest.Body { return &rttest.Body{Reader: strings.NewReader(manyBytes[:size])} }
	c.bodies = append(c.bodies, body())
	req.Body, req.ContentLength = c.bodies[0], int64(size)
	if how == stream {
		req.ContentLength = -1
	}
	if how != getBody {
		return
	}
	req.GetBody = func() (io.ReadCloser, error) {
		list := &c.bodies
		if c.below.Load() {
			list = &c.theirs
		}
		b := body()
		*list = append(*list, b)
		return b, nil
	}
}

// watch is the innermost layer: it sees what comes to net/http.
func watch(next http.RoundTripper) http.RoundTripper {
	return transport.Func(func(req *http.Request) (*http.Response, error) {
		c, ok := req.Context().Value(callKey{}).(*call)
		if !ok {
			return next.RoundTrip(req)
		}
		c.reached.Add(1)
		c.below.Store(true)
		defer c.below.Store(false)
		var tries tries
		resp, err := next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), tries.trace())))
		c.replays.Add(tries.again())
		if resp != nil {
			resp.Request = req
		}
		return resp, err
	})
}

// tries is how often net/http tried to send one attempt: once, and again when
// a connection that it kept turned out to be dead. The last try may have found
// no connection.
type tries struct {
	got  atomic.Int64 // connections
	want atomic.Bool  // it asked for one, and has not got it
}

func (n *tries) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { n.want.Store(true) },
		GotConn: func(httptrace.GotConnInfo) {
			n.want.Store(false)
			n.got.Add(1)
		},
	}
}

// again returns how many tries there were after the first.
func (n *tries) again() int64 {
	all := n.got.Load()
	if n.want.Load() {
		all++
	}
	return max(0, all-1)
}

// repeatable says whether the kit may send the call's request again although it
// may have been processed.
func (c *call) repeatable() bool { return c.key || c.method != http.MethodPost }

// sent returns how many attempts there were, and how many of them may have come
// to the server as far as the kit knows.
func (c *call) sent() (attempts, perhaps int64) {
	for _, a := range c.trip.Attempts() {
		attempts++
		if a.Verdict.Sent != transport.Unsent {
			perhaps++
		}
	}
	return attempts, perhaps
}

// account compares what is known of a call that is over, and of which nothing
// runs any more, and tells of what does not fit. The server may have seen it
// most times, if it must not be repeated.
func (c *call) account(most int64, tell func(format string, args ...any)) {
	fault := func(format string, args ...any) {
		tell("call %s, a %s by %s: %s", c.name, c.method, c.protocol, fmt.Sprintf(format, args...))
	}
	seen, replays := c.seen.Load(), c.replays.Load()
	_, perhaps := c.sent()
	if c.answered && seen == 0 {
		fault("it was answered, and the server did not see it")
	}
	if seen > perhaps+replays {
		fault("the server saw it %d times; it was sent %d times and replayed %d times", seen, perhaps, replays)
	}
	if !c.repeatable() && seen > most {
		fault("the server saw it %d times", seen)
	}
	for i, a := range c.trip.Attempts() {
		if unknown(a.Verdict, a.Err) {
			fault("attempt %d ended with an error that is not known: %v", i+1, a.Err)
		}
	}
	for i, b := range c.bodies {
		if n := b.Closes(); n != 1 {
			fault("body %d of %d was closed %d times", i+1, len(c.bodies), n)
		}
	}
	for i, b := range c.theirs {
		// For HTTP/2, net/http leaves one open that it got and then found no
		// connection for.
		if n := b.Closes(); n > 1 || n == 0 && c.protocol == http1 {
			fault("net/http's own body %d of %d was closed %d times", i+1, len(c.theirs), n)
		}
	}
}

// unknown reports whether err is an error that the kit does not know. One that
// it cannot know is the body's own: what found its HTTP/2 connection unusable,
// net/http closes and then reads for another one.
func unknown(v transport.Verdict, err error) bool {
	return err != nil && v.Category == transport.BusinessLogic && !errors.Is(err, rttest.ErrClosed)
}
