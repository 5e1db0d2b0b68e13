package transport

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// Buffer reads a small response body before it hands the response on, so that
// one that is cut becomes an error, which [Retry] and the ladder outside of it
// can do something about. Without it a cut body is found by the caller, too
// late.
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
	return &buffer{layer.Layer{Next: next}, defaultTo(b.MaxBytes, 1<<20, 0)}
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
	read, whole, err := readUpTo(resp.Body, b.max)
	if err != nil {
		resp.Body.Close()
		return nil, fmt.Errorf("transport: reading the response body ahead: %w", err)
	}
	if !whole {
		resp.Body = rest{io.MultiReader(bytes.NewReader(read), resp.Body), resp.Body}
		return resp, nil
	}
	if err := resp.Body.Close(); err != nil {
		return nil, fmt.Errorf("transport: reading the response body ahead: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(read))
	return resp, nil
}

// rest is a body of which the beginning was read ahead.
type rest struct {
	io.Reader
	io.Closer
}

// readUpTo reads r to its end, or until it has seen more than bound bytes.
func readUpTo(r io.Reader, bound int64) (read []byte, whole bool, err error) {
	var buf bytes.Buffer
	n, err := buf.ReadFrom(io.LimitReader(r, bound+1))
	return buf.Bytes(), n <= bound, err
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
