package transport

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

// giving is a base that answers with a body, of which it counts the closes.
func giving(r io.Reader, length int64, contentType string) (Func, *countedBody) {
	b := &countedBody{Reader: r}
	return func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "")
		resp.Body, resp.ContentLength = b, length
		if contentType != "" {
			resp.Header.Set("Content-Type", contentType)
		}
		return resp, nil
	}, b
}

func TestBuffer(t *testing.T) {
	for _, test := range []struct {
		name        string
		b           Buffer
		size        int
		known       bool
		contentType string
		ahead       bool
	}{
		{"a small body is read ahead", Buffer{}, 1000, true, "application/json", true},
		{"so is one whose length nobody told", Buffer{}, 100_000, false, "", true},
		{"1 MiB is", Buffer{}, 1 << 20, false, "", true},
		{"a byte more is not", Buffer{}, 1<<20 + 1, false, "", false},
		{"the bound is a setting", Buffer{MaxBytes: 10}, 10, true, "", true},
		{"and exact", Buffer{MaxBytes: 10}, 11, true, "", false},
		{"and exact where nobody told the length", Buffer{MaxBytes: 10}, 11, false, "", false},
		{"there may be no bound", Buffer{MaxBytes: math.MaxInt64}, 2 << 20, false, "", true},
		{"an empty body is", Buffer{}, 0, false, "", true},
		{"server-sent events are not", Buffer{}, 10, false, "text/event-stream; charset=utf-8", false},
		{"lines of JSON are not", Buffer{}, 10, false, "application/x-ndjson", false},
		{"gRPC is not", Buffer{}, 10, false, "application/grpc+proto", false},
		{"parts are not", Buffer{}, 10, false, "multipart/mixed; boundary=x", false},
		{"a media type that is none does not matter", Buffer{}, 10, false, ";;;", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Repeat("0123456789", test.size/10+1)[:test.size]
			length := int64(-1)
			if test.known {
				length = int64(test.size)
			}
			base, sent := giving(iotest.HalfReader(strings.NewReader(text)), length, test.contentType)
			resp, err := test.b.Wrap(base).RoundTrip(get(t, "http://a.test"))
			if err != nil {
				t.Fatal(err)
			}
			if got := sent.closes.Load() == 1; got != test.ahead {
				t.Errorf("the body was read ahead: %v, want %v", got, test.ahead)
			}
			if got, err := io.ReadAll(resp.Body); string(got) != text || err != nil {
				t.Errorf("read %d bytes, %v; want %d", len(got), err, len(text))
			}
			if resp.ContentLength != length {
				t.Errorf("ContentLength is %d, want %d as without it", resp.ContentLength, length)
			}
			resp.Body.Close()
			sent.closedOnce(t, "the body")
		})
	}
}

func TestBufferMakesACutBodyAnError(t *testing.T) {
	base, sent := giving(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)), 8, "")
	_, err := Buffer{}.Wrap(base).RoundTrip(get(t, "http://a.test"))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	sent.closedOnce(t, "the body")
}

func TestBufferLeavesACutBodyOverTheBoundToItsReader(t *testing.T) {
	base, _ := giving(io.MultiReader(strings.NewReader("more than ten"), iotest.ErrReader(errBoom)), -1, "")
	_, text, err := send(t, Buffer{MaxBytes: 10}.Wrap(base), get(t, "http://a.test"))
	if text != "more than ten" || err != errBoom {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestBufferInRetry(t *testing.T) {
	var n atomic.Int32
	addr := listen(t, func(c net.Conn) {
		if n.Add(1) < 3 {
			replies("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")(c)
			return
		}
		replies("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole")(c)
	})
	tr, _ := pool(t)
	_, text, err := send(t, Chain(tr, atOnce(Retry{}).Wrap, Buffer{}.Wrap), get(t, "http://"+addr))
	if text != "whole" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestBufferTrustsNoLength(t *testing.T) {
	base, _ := giving(strings.NewReader("short"), 1<<46, "")
	if _, text, err := send(t, Buffer{MaxBytes: math.MaxInt64}.Wrap(base), get(t, "http://a.test")); text != "short" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestBufferReportsACloseThatFails(t *testing.T) {
	rt := Buffer{}.Wrap(Func(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "")
		resp.Body = stuck{resp.Body}
		return resp, nil
	}))
	if _, _, err := send(t, rt, get(t, "http://a.test")); err != errBoom {
		t.Errorf("got %v", err)
	}
}

// stuck is a body that cannot be closed.
type stuck struct{ io.Reader }

func (stuck) Close() error { return errBoom }

func TestBufferPasses(t *testing.T) {
	for name, resp := range map[string]*http.Response{
		"a nil body":            {StatusCode: 204},
		"NoBody":                {StatusCode: 200, Body: http.NoBody, ContentLength: 99},
		"a switched connection": {StatusCode: 101, Body: struct{ io.ReadWriteCloser }{}, ContentLength: -1},
	} {
		before := resp.Body
		got, err := Buffer{}.Wrap(Func(func(*http.Request) (*http.Response, error) { return resp, nil })).RoundTrip(get(t, "http://a.test"))
		if err != nil || got.Body != before {
			t.Errorf("%s: got %v, %v", name, got.Body, err)
		}
	}
	if _, _, err := send(t, Buffer{}.Wrap(script(errBoom)), get(t, "http://a.test")); err != errBoom {
		t.Errorf("an error: got %v", err)
	}
}

func TestBufferKeepsTrailers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Sum")
		io.WriteString(w, "text")
		w.Header().Set("Sum", "4")
	}))
	defer server.Close()
	tr, _ := pool(t)
	resp, err := Buffer{}.Wrap(tr).RoundTrip(get(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if io.Copy(io.Discard, resp.Body); resp.Trailer.Get("Sum") != "4" {
		t.Errorf("the trailer is %v", resp.Trailer)
	}
}

func TestBufferEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	addr := listen(t, func(c net.Conn) {
		replies("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")(c)
		cancel(errBoom)
		hangs(c)
	})
	tr, _ := pool(t)
	if _, _, err := send(t, Buffer{}.Wrap(tr), get(t, "http://"+addr).WithContext(ctx)); !errors.Is(err, errBoom) {
		t.Errorf("got %v, want the context's cause", err)
	}
}
