package transport

import (
	"context"
	"io"
	"net/http"
	"time"
)

// watchBody returns body with the limits that end ctx told in its errors, and,
// if idle is above zero, with a limit on the time that one Read may take. When
// that is reached, cancel ends the request, and with it the read.
func watchBody(ctx context.Context, body io.ReadCloser, idle time.Duration, cancel context.CancelCauseFunc) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return body
	}
	b := &watchedBody{ReadCloser: body, ctx: ctx, limit: idle}
	if idle > 0 {
		b.timer = time.AfterFunc(idle, func() { cancel(&TimeoutError{"response body", idle}) })
		b.timer.Stop()
	}
	return b
}

type watchedBody struct {
	io.ReadCloser
	ctx   context.Context
	timer *time.Timer // nil if the time of a read has no limit
	limit time.Duration
}

// Read returns the TimeoutError that ended it, if one did. Of itself HTTP/2
// says that the context was canceled, and not why.
func (b *watchedBody) Read(p []byte) (int, error) {
	if b.timer != nil {
		b.timer.Reset(b.limit)
		defer b.timer.Stop()
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		if late, ok := ownTimeout(b.ctx); ok {
			return n, late
		}
	}
	return n, err
}
