package rttest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The caller hangs up over a real connection.
var hangupRules = []rule{
	{"hang-up", "over a connection, cancel, cause and deadline end a call as they do without the wrapper", sockets, hangUp},
	{"hang-up-in-body", "cancelling in the middle of the response's body ends the read with the context's error", sockets, hangUpInBody},
	{"client-timeout", "http.Client.Timeout ends a call with an error that is a timeout, before the headers and in the body", sockets, clientTimeout},
	{"hang-up-arrives", "closing the response's body, or cancelling, ends the request at the server", sockets, hangUpArrives},
}

// endings are the ways in which a caller ends a call. Each takes effect after
// something has begun, a deadline after some time.
var endings = map[string]func(context.Context, <-chan struct{}, time.Duration) (context.Context, context.CancelFunc){
	"cancel": func(ctx context.Context, begun <-chan struct{}, _ time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		go func() { <-begun; cancel() }()
		return ctx, cancel
	},
	"cause": func(ctx context.Context, begun <-chan struct{}, _ time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		go func() { <-begun; cancel(errCause) }()
		return ctx, func() { cancel(nil) }
	},
	"deadline": func(ctx context.Context, _ <-chan struct{}, d time.Duration) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, d)
	},
}

// soon is when a deadline ends a call.
const soon = 20 * time.Millisecond

func hangUp(p *probe) {
	for name, ending := range endings {
		begun := make(chan struct{}, 64)
		s := p.serve(func(w http.ResponseWriter, r *http.Request) {
			begun <- struct{}{}
			<-r.Context().Done()
		})
		p.asBare(name, s.base, func(rt http.RoundTripper) []string {
			ctx, cancel := ending(p.Context(), begun, soon)
			defer cancel()
			resp, err := p.send(rt, p.get(s, "").WithContext(ctx))
			if err == nil {
				resp.Body.Close()
				return []string{"a response " + resp.Status}
			}
			return causes(err)
		})
	}
}

// half answers with half a body, and goes on waiting.
func half(w http.ResponseWriter, r *http.Request) {
	say(w, "half")
	<-r.Context().Done()
}

func hangUpInBody(p *probe) {
	s := p.serve(half)
	for name, ending := range endings {
		p.asBare(name, s.base, func(rt http.RoundTripper) []string {
			// On a busy machine a deadline may come before the body does. Then
			// nothing was seen, and a later one is tried.
			for d := soon; ; d *= 4 {
				begun := make(chan struct{})
				ctx, cancel := ending(p.Context(), begun, d)
				said, inBody := cutInBody(p, rt, p.get(s, "").WithContext(ctx), begun)
				cancel()
				if inBody || d > p.patience/4 {
					return said
				}
			}
		})
	}
}

// cutInBody reads half a body, tells begun, and returns how the rest ended; and
// whether it came that far.
func cutInBody(p *probe, rt http.RoundTripper, req *http.Request, begun chan<- struct{}) (said []string, inBody bool) {
	resp, err := p.send(rt, req)
	if err != nil {
		close(begun)
		return causes(err), false
	}
	defer resp.Body.Close()
	first := make([]byte, 4)
	var n int
	p.within("reading the first half of the body", func() { n, _ = io.ReadFull(resp.Body, first) })
	close(begun)
	_, err = p.read(resp.Body)
	return append(causes(err), fmt.Sprintf("the bytes %q", first)), n == len(first)
}

// clientTimeout does not ask whether the text names Client.Timeout: for every
// transport but its own the client may see the context end first.
func clientTimeout(p *probe) {
	begun := p.serve(half)
	silent := p.serve(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for name, s := range map[string]*site{"before the headers": silent, "in the body": begun} {
		p.asBare(name, s.base, func(rt http.RoundTripper) []string {
			client := http.Client{Transport: rt, Timeout: 50 * time.Millisecond}
			var resp *http.Response
			var err error
			p.within("a call of a client with a timeout", func() { resp, err = client.Do(p.get(s, "")) })
			if err != nil {
				return causes(err)
			}
			defer resp.Body.Close()
			_, err = p.read(resp.Body)
			return causes(err)
		})
	}
}

func hangUpArrives(p *probe) {
	ended := make(chan struct{}, 64)
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		half(w, r)
		ended <- struct{}{}
	})
	rt := p.wrap(s.base)
	p.fetch(rt, p.get(s, "")).Body.Close()
	p.within("waiting until the server notices that the body was closed", func() { <-ended })

	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	p.fetch(rt, p.get(s, "").WithContext(ctx))
	cancel()
	p.within("waiting until the server notices that the call was cancelled", func() { <-ended })
}
