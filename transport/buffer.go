package transport

import (
	"io"
	"math"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// Buffer reads a small response body before it hands the response on, so that
// one that is cut becomes an error, which [Breaker], [Retry] and the ladder
// outside of it can do something about. Without it a cut body is found by the
// caller, too late.
//
// It costs the memory of the body and the time until it is complete. Streams
// pass untouched: 101 answers, and the media types that stand for streams
// (text/event-stream, application/x-ndjson, application/grpc, multipart/...).
// So do bodies over the bound.
type Buffer struct {
	// MaxBytes is the largest body that is read ahead. If zero, it is 1 MiB;
	// if negative, none is.
	MaxBytes int64
}

// Wrap returns next with small response bodies read ahead.
func (b Buffer) Wrap(next http.RoundTripper) http.RoundTripper {
	if b.MaxBytes < 0 {
		return next
	}
	return &buffer{layer.Layer{Next: next}, min(defaultTo(b.MaxBytes, 1<<20, 0), math.MaxInt64-1)}
}

type buffer struct {
	layer.Layer
	max int64
}

func (b *buffer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.Send(req)
	if err != nil || resp.Body == nil || resp.Body == http.NoBody || resp.ContentLength > b.max || isStream(resp) {
		return resp, err
	}
	read, whole, err := readUpTo(resp.Body, b.max, resp.ContentLength)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if !whole {
		resp.Body = rest{io.MultiReader(read, resp.Body), resp.Body}
		return resp, nil
	}
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(read)
	return resp, nil
}

// rest is a body of which the beginning was read ahead.
type rest struct {
	io.Reader
	io.Closer
}

// readUpTo reads r to its end, or until it has more than bound bytes. The
// bytes lie in pieces, so that nothing is copied when there are more of them
// than was thought.
func readUpTo(r io.Reader, bound, expected int64) (read *net.Buffers, whole bool, err error) {
	read = new(net.Buffers)
	size := int64(4 << 10)
	if expected >= 0 {
		size = min(expected+1, 1<<20) // one byte more, to see the end at once; at most 1 MiB, since the length may be a lie
	}
	for left := bound + 1; left > 0 && !whole && err == nil; size = min(2*size, 64<<10) {
		piece := make([]byte, min(size, left))
		var n int
		n, whole, err = fill(r, piece)
		*read = append(*read, piece[:n])
		left -= int64(n)
	}
	return read, whole, err
}

// fill reads until p is full or r is at its end.
func fill(r io.Reader, p []byte) (n int, ended bool, err error) {
	for n < len(p) {
		m, err := r.Read(p[n:])
		n += m
		if err == io.EOF {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// isStream says whether a response is one that goes on as long as it likes.
func isStream(resp *http.Response) bool {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return true
	}
	t, _, _ := mime.ParseMediaType(first(resp.Header, "Content-Type"))
	switch t {
	case "text/event-stream", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/stream+json":
		return true
	}
	return strings.HasPrefix(t, "multipart/") || strings.HasPrefix(t, "application/grpc")
}
