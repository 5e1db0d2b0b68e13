package transport

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// dribble gives a byte every 20 ms for ever, until it is closed.
type dribble struct {
	read   int
	closed chan struct{}
	closes int
}

func (d *dribble) Read(p []byte) (int, error) {
	select {
	case <-time.After(20 * time.Millisecond):
		d.read++
		return 1, nil
	case <-d.closed:
		return 0, io.ErrClosedPipe
	}
}

func (d *dribble) Close() error {
	if d.closes++; d.closes == 1 {
		close(d.closed)
	}
	return nil
}

func TestDiscard(t *testing.T) {
	t.Run("nothing is fine", func(*testing.T) {
		Discard(nil)
		Discard(new(http.Response))
		Discard(&http.Response{Body: http.NoBody})
	})
	for _, test := range []struct {
		name   string
		size   int
		length int64
		left   int
	}{
		{"a small body is read to its end", 1000, 1000, 0},
		{"64 KiB are", 64 << 10, -1, 0},
		{"of more, no more than that is read", 1 << 20, -1, 1<<20 - 64<<10 - 1},
		{"of what says that it is more, nothing is", 1 << 20, 1 << 20, 1 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := strings.NewReader(strings.Repeat("x", test.size))
			b := &countedBody{Reader: r}
			Discard(&http.Response{Body: b, ContentLength: test.length})
			if r.Len() != test.left {
				t.Errorf("%d bytes are left, want %d", r.Len(), test.left)
			}
			b.closedOnce(t, "the body")
		})
	}
	t.Run("a body that dribbles is given 50 ms", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &dribble{closed: make(chan struct{})}
			began := time.Now()
			Discard(&http.Response{Body: d, ContentLength: -1})
			if took := time.Since(began); took != 50*time.Millisecond || d.read != 2 {
				t.Errorf("it took %v for %d bytes", took, d.read)
			}
			if d.closes != 1 {
				t.Errorf("it was closed %d times, want once", d.closes)
			}
		})
	})
}
