package bodyhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

var errBroken = errors.New("broken")

// ends counts what Done is told.
type ends struct {
	mu  sync.Mutex
	all []error
}

func (e *ends) done(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, err)
}

// once fails the test unless Done was told want, and nothing else.
func (e *ends) once(t *testing.T, want error) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.all) != 1 || !errors.Is(e.all[0], want) {
		t.Errorf("Done was told %v, want %v once", e.all, want)
	}
}

// stream is a body of which nothing but reading and closing is known. It
// notes whether Done had fired when it was closed.
type stream struct {
	io.Reader
	closes   atomic.Int32
	closeErr error
	atClose  func()
}

func (s *stream) Close() error {
	if s.closes.Add(1) == 1 && s.atClose != nil {
		s.atClose()
	}
	return s.closeErr
}

// connection is the body of a 101.
type connection struct {
	stream
	bytes.Buffer
}

func (c *connection) Read(p []byte) (int, error) { return c.Buffer.Read(p) }
func (c *connection) Close() error               { return c.stream.Close() }

// upgraded is a connection without WriteTo.
type upgraded struct {
	io.Reader
	io.Writer
	io.Closer
}

// file is a body with WriteTo.
type file struct {
	stream
	*strings.Reader
	broken error
}

func (f *file) Read(p []byte) (int, error) { return f.Reader.Read(p) }

func (f *file) WriteTo(w io.Writer) (int64, error) {
	n, err := f.Reader.WriteTo(w)
	return n, errors.Join(err, f.broken)
}

func TestDoneFiresOnce(t *testing.T) {
	text := func() *stream { return &stream{Reader: strings.NewReader("text")} }
	for _, tt := range []struct {
		when string
		body io.ReadCloser
		do   func(io.ReadCloser)
		want error
	}{
		{"at the end of the body", text(), func(b io.ReadCloser) { io.ReadAll(b) }, io.EOF},
		{"at the end, closed afterwards", text(), func(b io.ReadCloser) { io.ReadAll(b); b.Close() }, io.EOF},
		{"at the end, read on afterwards", text(), func(b io.ReadCloser) { io.ReadAll(b); io.ReadAll(b) }, io.EOF},
		{"at an end that comes with the last bytes", &stream{Reader: iotest.DataErrReader(strings.NewReader("text"))},
			func(b io.ReadCloser) { b.Read(make([]byte, 10)) }, io.EOF},
		{"when a read fails", &stream{Reader: iotest.ErrReader(errBroken)}, func(b io.ReadCloser) { b.Read(make([]byte, 10)) }, errBroken},
		{"when a read fails, closed afterwards", &stream{Reader: iotest.ErrReader(errBroken)},
			func(b io.ReadCloser) { b.Read(make([]byte, 10)); b.Close() }, errBroken},
		{"when it is closed unread", text(), func(b io.ReadCloser) { b.Close() }, ErrClosed},
		{"when it is closed half read", text(), func(b io.ReadCloser) { b.Read(make([]byte, 2)); b.Close() }, ErrClosed},
		{"when it is closed twice", text(), func(b io.ReadCloser) { b.Close(); b.Close() }, ErrClosed},
		{"when it is read after Close", text(), func(b io.ReadCloser) { b.Close(); io.ReadAll(b) }, ErrClosed},
		{"when WriteTo comes to the end", &file{Reader: strings.NewReader("text")}, func(b io.ReadCloser) { io.Copy(io.Discard, b) }, io.EOF},
		{"when WriteTo comes to the end, closed afterwards", &file{Reader: strings.NewReader("text")},
			func(b io.ReadCloser) { io.Copy(io.Discard, b); b.Close() }, io.EOF},
		{"when WriteTo fails", &file{Reader: strings.NewReader("text"), broken: errBroken},
			func(b io.ReadCloser) { io.Copy(io.Discard, b) }, errBroken},
		{"when WriteTo fails, closed afterwards", &file{Reader: strings.NewReader("text"), broken: errBroken},
			func(b io.ReadCloser) { io.Copy(io.Discard, b); b.Close() }, errBroken},
		{"at once if there is no body", nil, func(io.ReadCloser) {}, io.EOF},
		{"at once for NoBody, whatever is done to it", http.NoBody, func(b io.ReadCloser) { io.ReadAll(b); b.Close() }, io.EOF},
	} {
		t.Run(tt.when, func(t *testing.T) {
			var e ends
			tt.do(Wrap(tt.body, Hook{Done: e.done}))
			e.once(t, tt.want)
		})
	}
}

func TestDoneHasNotFired(t *testing.T) {
	var e ends
	b := Wrap(&stream{Reader: strings.NewReader("text")}, Hook{Done: e.done})
	if n, err := b.Read(make([]byte, 4)); n != 4 || err != nil {
		t.Fatalf("Read: %d, %v", n, err)
	}
	if len(e.all) != 0 {
		t.Errorf("before the end was seen, Done was told %v", e.all)
	}
}

func TestNothingToReadKeepsItsIdentity(t *testing.T) {
	ignore := Hook{Done: func(error) {}, Read: func([]byte) {}}
	if b := Wrap(http.NoBody, ignore); b != http.NoBody {
		t.Errorf("NoBody became a %T", b)
	}
	if b := Wrap(nil, ignore); b != nil {
		t.Errorf("no body became a %T", b)
	}
}

func TestMethodsThatAreKept(t *testing.T) {
	ignore := Hook{Done: func(error) {}}
	watching := Hook{Done: func(error) {}, Read: func([]byte) {}}
	type methods struct{ write, writeTo bool }
	for _, tt := range []struct {
		what string
		body io.ReadCloser
		hook Hook
		want methods
	}{
		{"of a stream, none", &stream{}, ignore, methods{}},
		{"of a file, WriteTo", &file{}, ignore, methods{writeTo: true}},
		{"of a file whose bytes shall be seen, none", &file{}, watching, methods{}},
		{"of an upgraded connection, Write", &upgraded{}, ignore, methods{write: true}},
		{"of an upgraded connection whose bytes shall be seen, Write", &upgraded{}, watching, methods{write: true}},
		{"of a connection, both", &connection{}, ignore, methods{write: true, writeTo: true}},
		{"of a connection whose bytes shall be seen, Write", &connection{}, watching, methods{write: true}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			b := Wrap(tt.body, tt.hook)
			var got methods
			_, got.write = b.(io.Writer)
			_, got.writeTo = b.(io.WriterTo)
			if got != tt.want {
				t.Errorf("kept are %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestWriteReachesTheConnection(t *testing.T) {
	for _, read := range []func([]byte){nil, func([]byte) {}} {
		var e ends
		c := new(connection)
		b := Wrap(c, Hook{Read: read, Done: e.done})
		if n, err := io.WriteString(b.(io.Writer), "ping"); n != 4 || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
		if got, err := io.ReadAll(b); string(got) != "ping" || err != nil {
			t.Errorf("it has %q, %v", got, err)
		}
		b.Close()
		e.once(t, io.EOF)
		if n := c.closes.Load(); n != 1 {
			t.Errorf("the connection was closed %d times", n)
		}
	}
}

func TestReadIsShownWhatTheReaderGets(t *testing.T) {
	for _, tt := range []struct {
		how  string
		body io.Reader
		do   func(io.ReadCloser)
		want string
	}{
		{"all that is read", strings.NewReader("some text"), func(b io.ReadCloser) { io.ReadAll(b) }, "some text"},
		{"byte by byte", iotest.OneByteReader(strings.NewReader("some text")), func(b io.ReadCloser) { io.ReadAll(b) }, "some text"},
		{"bytes that come with the end", iotest.DataErrReader(strings.NewReader("some text")), func(b io.ReadCloser) { io.ReadAll(b) }, "some text"},
		{"bytes that came before an error", io.MultiReader(strings.NewReader("some"), iotest.ErrReader(errBroken)),
			func(b io.ReadCloser) { io.ReadAll(b) }, "some"},
		{"by a copy too", strings.NewReader("some text"), func(b io.ReadCloser) { io.Copy(io.Discard, b) }, "some text"},
		{"nothing after Close", strings.NewReader("some text"), func(b io.ReadCloser) { b.Read(make([]byte, 4)); b.Close(); io.ReadAll(b) }, "some"},
	} {
		t.Run(tt.how, func(t *testing.T) {
			var seen bytes.Buffer
			tt.do(Wrap(&stream{Reader: tt.body}, Hook{
				Read: func(p []byte) { seen.Write(p) },
				Done: func(error) {},
			}))
			if seen.String() != tt.want {
				t.Errorf("it was shown %q, want %q", seen.String(), tt.want)
			}
		})
	}
}

func TestCloseTellsDoneFirst(t *testing.T) {
	var e ends
	s := &stream{Reader: strings.NewReader("text"), closeErr: errBroken}
	s.atClose = func() { e.once(t, ErrClosed) }
	b := Wrap(s, Hook{Done: e.done})
	if err := b.Close(); !errors.Is(err, errBroken) {
		t.Errorf("Close returned %v, want what the body's own does", err)
	}
	if n := s.closes.Load(); n != 1 {
		t.Errorf("the body was closed %d times", n)
	}
}

func TestReadersAndClosersAtOnce(t *testing.T) {
	for range 200 {
		var e ends
		r, w := io.Pipe()
		b := Wrap(r, Hook{Done: e.done, Read: func([]byte) {}})
		var wg sync.WaitGroup
		wg.Go(func() { io.WriteString(w, "text"); w.Close() })
		wg.Go(func() { io.ReadAll(b) })
		for range 3 {
			wg.Go(func() { b.Close() })
		}
		wg.Wait()
		if len(e.all) != 1 {
			t.Fatalf("Done was told %v, want one of them", e.all)
		}
	}
}
