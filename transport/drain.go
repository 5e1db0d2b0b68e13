package transport

import (
	"io"
	"net/http"
	"time"
)

// The bounds within which a discarded response is read to its end, so that its
// connection can be used again. Past either, a new connection is cheaper.
const (
	drainBytes = 64 << 10
	drainTime  = 50 * time.Millisecond
)

// Discard drains and closes the body of a response that nobody will read:
// at most 64 KiB and 50 ms of it, so that a body that dribbles or never ends
// holds up nobody. A nil response, or one without a body, is fine.
func Discard(resp *http.Response) {
	if resp == nil || resp.Body == nil {
		return
	}
	if resp.Body != http.NoBody && resp.ContentLength <= drainBytes {
		// Closing is what ends a read that hangs.
		timer := time.AfterFunc(drainTime, func() { resp.Body.Close() })
		_, _ = io.CopyN(io.Discard, resp.Body, drainBytes+1)
		if !timer.Stop() {
			return
		}
	}
	resp.Body.Close()
}
