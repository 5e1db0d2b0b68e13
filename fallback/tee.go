package fallback

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/safetrip-go/safetrip/internal/bodyhook"
)

// A tee is a response body that keeps what its reader sees. What it has is
// stored when it is whole: when the bytes that Content-Length announced were
// read, or the end was.
type tee struct {
	*core
	entry   *entry
	to      address
	mark    mark
	settled func(outcome) // told once what others can expect, may be nil

	src    io.ReadCloser
	length int64 // -1 if not announced
	json   bool
	shut   atomic.Bool // src was closed

	mu      sync.Mutex // guards the rest
	buf     []byte
	room    *room           // that buf takes, nil if none
	dropped runtime.Cleanup // that room is left by, if t never leaves it
	busy    bool            // a Read is under way
	over    bool            // nobody but readOn reads any more
	ended   bool            // settled: stored, or given up
}

// A room is how many bytes of those that may be read at once a body takes.
type room struct {
	core  *core
	bytes int64
}

func (r *room) leave() { r.core.reading.Add(-r.bytes) }

// watch puts t between resp's body and its reader.
func (t *tee) watch(resp *http.Response) {
	t.src, t.length = resp.Body, resp.ContentLength
	if resp.Body == nil || resp.Body == http.NoBody || t.length == 0 {
		t.finish()
		return
	}
	t.json = isJSON(resp.Header)
	resp.Body = bodyhook.Wrap(t, bodyhook.Hook{Done: t.done})
}

func isJSON(h http.Header) bool {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	media = strings.ToLower(strings.TrimSpace(media))
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

func (t *tee) Read(p []byte) (int, error) {
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	}
	t.busy = true
	t.mu.Unlock()
	n, err := t.src.Read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = false
	t.take(p[:n])
	return n, err
}

// Close closes the body once, be it for the reader or for readOn.
func (t *tee) Close() error {
	if t.shut.Swap(true) {
		return nil
	}
	return t.src.Close()
}

// take keeps the next bytes. It stores the whole once the announced length is
// reached: whoever decodes a document may never ask for the end.
func (t *tee) take(p []byte) {
	if t.ended || len(p) == 0 {
		return
	}
	if !t.grow(len(p)) {
		t.giveUp(withheld)
		return
	}
	t.buf = append(t.buf, p...)
	if int64(len(t.buf)) == t.length {
		t.finish()
	}
}

// grow makes room for n more bytes, and reports whether there may be so many.
func (t *tee) grow(n int) bool {
	need := len(t.buf) + n
	if int64(need) > t.MaxBody || t.length >= 0 && int64(need) > t.length {
		return false
	}
	if need <= cap(t.buf) {
		return true
	}
	size := max(need, 2*cap(t.buf), 512)
	if t.length >= 0 {
		size = int(t.length)
	}
	size = int(min(int64(size), t.MaxBody))
	if !t.enter(int64(size)) {
		return false
	}
	t.buf = append(make([]byte, 0, size), t.buf...)
	return true
}

// enter takes room for size bytes in place of what t has. A caller who drops
// the body without closing it gives it back when the garbage is collected.
func (t *tee) enter(size int64) bool {
	next := &room{t.core, size}
	if t.reading.Add(size) > t.MaxBytes {
		next.leave()
		return false
	}
	t.leave()
	t.room, t.dropped = next, runtime.AddCleanup(t, (*room).leave, next)
	return true
}

func (t *tee) leave() {
	if t.room != nil {
		t.dropped.Stop()
		t.room.leave()
		t.room = nil
	}
}

// done is told once how the reading ended.
func (t *tee) done(err error) {
	if errors.Is(err, bodyhook.ErrClosed) {
		t.readOn()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
	case err == io.EOF && (t.length < 0 || int64(len(t.buf)) == t.length): //nolint:errorlint // a reader ends with this very value
		t.finish()
	default:
		t.giveUp(lost)
	}
}

// The bounds within which a document that was decoded is read to its end.
const (
	readOnBytes = 512
	readOnReads = 16 // there are readers that return nothing, and no error
	readOnTime  = 5 * time.Millisecond
)

// readOn looks for the end of a body that was closed just before it. A decoder
// of JSON stops where the document does; the end of the body then comes with
// the next read, or already came. To take the document for the whole body
// would be wrong: there may be a second one.
func (t *tee) readOn() {
	t.mu.Lock()
	seemsWhole := !t.ended && !t.busy && t.length < 0 && t.json && endsDocument(t.buf)
	t.over = seemsWhole // or what two read at once would be put together wrongly
	t.mu.Unlock()
	if !seemsWhole {
		return
	}
	timer := time.AfterFunc(readOnTime, func() { t.Close() })
	var rest [readOnBytes]byte
	n, err := 0, error(nil)
	for reads := 0; n < len(rest) && err == nil && reads < readOnReads; reads++ {
		var more int
		more, err = t.src.Read(rest[n:])
		n += more
	}
	inTime := timer.Stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.take(rest[:n])
	if !t.ended && inTime && err == io.EOF { //nolint:errorlint // as above
		t.finish()
	}
}

func endsDocument(b []byte) bool {
	b = bytes.TrimRight(b, " \t\r\n")
	return len(b) > 0 && (b[len(b)-1] == '}' || b[len(b)-1] == ']')
}

// finish stores what was kept.
func (t *tee) finish() {
	t.ended = true
	t.entry.body = t.buf
	if cap(t.buf)-len(t.buf) > len(t.buf)/8 {
		t.entry.body = bytes.Clone(t.buf)
	}
	t.leave()
	t.buf = nil
	t.commit(t.to, t.entry, t.mark, t.settled)
}

// giveUp forgets what was kept.
func (t *tee) giveUp(how outcome) {
	t.ended = true
	t.leave()
	t.buf = nil
	if t.settled != nil {
		t.settled(how)
	}
}
