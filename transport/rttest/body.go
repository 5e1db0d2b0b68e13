package rttest

import (
	"errors"
	"io"
	"sync/atomic"
)

// A Body is a body that counts what is done to it. It serves for a request
// (was it closed exactly once?) and for a response (was it left open?).
// The zero value is an empty body. A Body must not be copied after first use.
type Body struct {
	// Reader is where the bytes come from. If nil, there are none.
	Reader io.Reader

	// OnClose, if not nil, runs at the first Close.
	OnClose func()

	reads  atomic.Int64
	closes atomic.Int64
}

// ErrClosed is what a Body returns when it is read after Close.
var ErrClosed = errors.New("rttest: read of a closed body")

// Read counts, and reads from Reader.
func (b *Body) Read(buf []byte) (int, error) {
	b.reads.Add(1)
	switch {
	case b.Closes() > 0:
		return 0, ErrClosed
	case b.Reader == nil:
		return 0, io.EOF
	}
	return b.Reader.Read(buf)
}

// Close counts, and always succeeds.
func (b *Body) Close() error {
	if b.closes.Add(1) == 1 && b.OnClose != nil {
		b.OnClose()
	}
	return nil
}

// Reads returns how often Read was called.
func (b *Body) Reads() int { return int(b.reads.Load()) }

// Closes returns how often Close was called.
func (b *Body) Closes() int { return int(b.closes.Load()) }
