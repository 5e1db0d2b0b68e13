package telemetry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/safetrip-go/safetrip/internal/bodyhook"
)

// keepOpen leaves the end of x to the body of resp: at its end, with Close,
// with an error, or when the request's context is over, whichever is first. A
// body that nobody reads or closes is ended by the context, as net/http ends
// its connection.
func keepOpen(x exchange, resp *http.Response, e ending) {
	o := &open{exchange: x, ending: e}
	stop := context.AfterFunc(x.req.Context(), func() { o.end(context.Cause(x.req.Context())) })
	resp.Body = bodyhook.Wrap(resp.Body, bodyhook.Hook{Done: func(err error) {
		stop()
		o.end(err)
	}})
}

// open is an exchange whose response body is being read.
type open struct {
	exchange
	ending ending // what the headers made it
	once   sync.Once
}

// end ends the exchange. To have read it all, and to have read enough, are
// both good ends.
func (o *open) end(err error) {
	o.once.Do(func() {
		if errors.Is(err, io.EOF) || errors.Is(err, bodyhook.ErrClosed) {
			o.exchange.end(o.ending, nil)
			return
		}
		if !o.ending.failed() {
			o.ending.fault = faultOf(o.classify(o.req, nil, err))
		}
		o.exchange.end(o.ending, err)
	})
}

// countBody returns body with its length, as far as it was read, told to done.
func countBody(body io.ReadCloser, done func(n int64)) io.ReadCloser {
	var n atomic.Int64 // a body may be closed while it is read
	return bodyhook.Wrap(body, bodyhook.Hook{
		Read: func(p []byte) { n.Add(int64(len(p))) },
		Done: func(error) { done(n.Load()) },
	})
}
