package transport

import (
	"context"
	"io"
	"net/http"
	"time"
)

// watchIdle returns body with a limit on the time that one Read may take. When
// it is reached, cancel ends the request, and with it the read.
func watchIdle(body io.ReadCloser, limit time.Duration, cancel context.CancelCauseFunc) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return body
	}
	timer := time.AfterFunc(limit, func() { cancel(&TimeoutError{"response body", limit}) })
	timer.Stop()
	return &idleBody{body, timer, limit}
}

type idleBody struct {
	io.ReadCloser
	timer *time.Timer
	limit time.Duration
}

func (b *idleBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	defer b.timer.Stop()
	return b.ReadCloser.Read(p)
}
