package fallback_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// saysOnTheWire answers every connection with the very bytes, and closes it.
func saysOnTheWire(t *testing.T, answer string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, answer)
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestAnEndThatMayBeACutIsNoEnd(t *testing.T) {
	for _, row := range []struct {
		does, answer string
		want         bool
	}{
		{"HTTP/1.0 without a length", "HTTP/1.0 200 OK\r\n\r\ngood", false},
		{"HTTP/1.1 without a length", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ngood", false},
		{"HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\ngood", true},
		{"HTTP/1.1 with a length, and closed", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\ngood", true},
		{"HTTP/1.1 in chunks, and closed", "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n", true},
		{"chunks without the last one", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n", false},
	} {
		t.Run(row.does, func(t *testing.T) {
			cache := new(fallback.Cache)
			base := new(http.Transport)
			defer base.CloseIdleConnections()
			if _, body := fetch(t, &http.Client{Transport: cache.Wrap(base)}, saysOnTheWire(t, row.answer)); !strings.HasPrefix(body, "good") {
				t.Fatalf("got %q", body)
			}
			if got := cache.State().Stored == 1; got != row.want {
				t.Errorf("RFC 9111, 3.3: stored: %v, want %v", got, row.want)
			}
		})
	}
}

func TestABodyThatIsDroppedUnclosedIsGivenBack(t *testing.T) {
	cache := &fallback.Cache{MaxBytes: 1 << 20}
	o := new(origin)
	o.says(200, "", strings.Repeat("x", 100_000))
	rt := cache.Wrap(o)
	for i := range 16 {
		resp, err := rt.RoundTrip(request(t, "GET", fmt.Sprintf("http://example.com/%d", i), ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 50_000)); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		if get(t, rt, "http://example.com/last", ""); cache.State().Stored > 0 {
			return
		}
		runtime.GC()
	}
	t.Error("what nobody reads any more keeps others from being stored")
}

// idle is a body that has a document, and then neither bytes nor an end.
type idle struct{ document io.Reader }

func (b idle) Read(p []byte) (int, error) {
	n, _ := b.document.Read(p)
	return n, nil
}

func (b idle) Close() error { return nil }

func TestClosingABodyThatNeverEnds(t *testing.T) {
	o := new(origin)
	o.does(func(req *http.Request) (*http.Response, error) {
		resp := response(req, 200, "Content-Type: application/json", "")
		resp.ContentLength, resp.Body = -1, idle{strings.NewReader(`{"a": 1}`)}
		return resp, nil
	})
	cache := new(fallback.Cache)
	resp, err := cache.Wrap(o).RoundTrip(request(t, "GET", "http://example.com/", ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := decode(resp.Body); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if cache.State().Stored != 0 {
		t.Error("it was stored")
	}
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("reading after Close: %v", err)
	}
}

func TestALongAnswerHoldsLittle(t *testing.T) {
	// 200 MB go through, and the cache keeps the first of them, until it sees
	// that they are too many.
	const total = 200 << 20
	base := transport.Func(func(req *http.Request) (*http.Response, error) {
		resp := response(req, 200, "", "")
		resp.ContentLength, resp.Body = -1, io.NopCloser(io.LimitReader(zeros{}, total))
		return resp, nil
	})
	rt := layered(base)
	resp, err := rt.RoundTrip(request(t, "GET", "http://example.com/", ""))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if n, err := io.Copy(io.Discard, resp.Body); n != total || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("%d bytes were allocated for it", took)
	}
	resp.Body.Close()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
