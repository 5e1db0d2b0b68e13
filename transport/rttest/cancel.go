package rttest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// Whoever starts a call can end it, and is told why it ended.
var cancelRules = []rule{
	{"dead-context", "a call whose context is over before it begins fails with the context's cause", memory, deadContext},
	{"cancel", "cancelling ends a call in flight with context.Canceled", memory, cancelInFlight},
	{"cancel-cause", "where the context was cancelled with a cause, the call fails with this cause", memory, cancelCause},
	{"deadline", "where the context's deadline passes, the call fails with context.DeadlineExceeded and is a timeout", memory, deadlinePasses},
	{"cancel-wait", "cancelling ends every wait at once, also one that the server asked for", memory, cancelWait},
	{"cancel-passes-on", "cancelling the caller's context cancels the base's", memory, cancelPassesOn},
}

// flight is a base that tells when it was called, and answers only when the
// context is over, with the context's cause as http.Transport does.
type flight chan struct{}

func (f flight) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		req.Body.Close()
	}
	select {
	case f <- struct{}{}:
	default:
	}
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}

func deadContext(p *probe) {
	for _, cause := range []error{nil, errCause} {
		ctx, cancel := context.WithCancelCause(p.Context())
		cancel(cause)
		resp, err := p.send(p.wrap(Script()), p.request(http.MethodGet, nil).WithContext(ctx))
		if err == nil {
			resp.Body.Close()
			p.fault("the call was answered %s", resp.Status)
			continue
		}
		if !errors.Is(err, context.Cause(ctx)) {
			p.fault("the call fails with %v instead of %v", err, context.Cause(ctx))
		}
	}
}

// flightAsBare compares a call, bare and wrapped, whose context ends as soon as
// the base was called.
func (p *probe) flightAsBare(end func(context.Context) (context.Context, func())) {
	p.Helper()
	bare, wrapped := make(flight, 1), make(flight, 1)
	p.lost("a call in flight", p.inFlight(bare, bare, end), p.inFlight(p.wrap(wrapped), wrapped, end))
}

func (p *probe) inFlight(rt http.RoundTripper, called flight, end func(context.Context) (context.Context, func())) []string {
	p.Helper()
	ctx, finish := end(p.Context())
	defer finish()
	go func() {
		select {
		case <-called:
			finish()
		case <-p.over:
		}
	}()
	resp, err := p.send(rt, p.request(http.MethodGet, nil).WithContext(ctx))
	if err == nil {
		resp.Body.Close()
		return []string{"a response " + resp.Status}
	}
	return causes(err)
}

func cancelInFlight(p *probe) {
	p.flightAsBare(func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel
	})
}

func cancelCause(p *probe) {
	p.flightAsBare(func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancelCause(ctx)
		return ctx, func() { cancel(errCause) }
	})
}

func deadlinePasses(p *probe) {
	p.flightAsBare(func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
		context.AfterFunc(ctx, cancel)
		return ctx, func() {}
	})
}

// cancelWait asks the wrapper to wait for an hour, and cancels. A wrapper that
// does not wait returns the response; one that does fails with the cause.
func cancelWait(p *probe) {
	ctx, cancel := context.WithCancelCause(p.Context())
	defer cancel(nil)
	base := baseFunc(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, http.StatusServiceUnavailable, "later")
		resp.Header.Set("Retry-After", "3600")
		time.AfterFunc(5*time.Millisecond, func() { cancel(errCause) })
		return resp, nil
	})
	resp, err := p.send(p.wrap(base), p.request(http.MethodGet, nil).WithContext(ctx))
	if err == nil {
		resp.Body.Close()
		return
	}
	if !errors.Is(err, errCause) {
		p.fault("the wait ends with %v instead of the cause", err)
	}
}

func cancelPassesOn(p *probe) {
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	ended := make(chan struct{}, 16)
	base := responds(func(req *http.Request) io.ReadCloser {
		context.AfterFunc(req.Context(), func() { ended <- struct{}{} })
		return &Body{Reader: strings.NewReader("body")}
	})
	p.fetch(p.wrap(base), p.request(http.MethodGet, nil).WithContext(ctx))
	cancel()
	p.within("waiting for the base's context", func() { <-ended })
}
