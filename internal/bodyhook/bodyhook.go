// Package bodyhook is the kit's one way to learn when a response body ends.
package bodyhook

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// ErrClosed is what Done is told when the body was closed before its end.
var ErrClosed = errors.New("body closed before its end")

// A Hook watches one response body.
type Hook struct {
	// Read, if not nil, is shown the bytes of every read before the reader
	// gets them. It must not keep or change them.
	Read func(p []byte)

	// Done fires once: with io.EOF at the body's end, with the error of the
	// read that failed, or with ErrClosed when the body was closed before.
	// It runs on the goroutine that reads or closes.
	Done func(err error)
}

// Wrap returns body with h attached. A body that has nothing to read (nil, or
// [http.NoBody]) is returned as it is, and Done fires at once with io.EOF.
//
// The result has a Write method if body has one, so that the connection of a
// 101 answer stays usable, and a WriteTo method if body has one and Read is
// nil.
func Wrap(body io.ReadCloser, h Hook) io.ReadCloser {
	if body == nil || body == http.NoBody {
		h.Done(io.EOF)
		return body
	}
	b := &hooked{ReadCloser: body, hook: h}
	w, writes := body.(io.Writer)
	wt, writesTo := body.(io.WriterTo)
	writesTo = writesTo && h.Read == nil
	switch {
	case writes && writesTo:
		return struct {
			*hooked
			io.Writer
			io.WriterTo
		}{b, w, writerTo{b, wt}}
	case writes:
		return struct {
			*hooked
			io.Writer
		}{b, w}
	case writesTo:
		return struct {
			*hooked
			io.WriterTo
		}{b, writerTo{b, wt}}
	}
	return b
}

type hooked struct {
	io.ReadCloser
	hook Hook
	over atomic.Bool // Done has fired
}

func (b *hooked) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && b.hook.Read != nil && !b.over.Load() {
		b.hook.Read(p[:n])
	}
	if err != nil {
		b.done(err)
	}
	return n, err
}

// Close tells Done first: whoever waits for the end must not wait for a Close
// that hangs, and what hangs on a context is freed by Done.
func (b *hooked) Close() error {
	b.done(ErrClosed)
	return b.ReadCloser.Close()
}

func (b *hooked) done(err error) {
	if b.over.CompareAndSwap(false, true) {
		b.hook.Done(err)
	}
}

type writerTo struct {
	b  *hooked
	wt io.WriterTo
}

func (w writerTo) WriteTo(dst io.Writer) (int64, error) {
	n, err := w.wt.WriteTo(dst)
	if err != nil {
		w.b.done(err)
	} else {
		w.b.done(io.EOF)
	}
	return n, err
}
