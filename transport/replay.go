package transport

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// replay is how a request's body can be had again: from GetBody, or from a
// recorder that keeps what was sent, or because there is none.
type replay struct {
	getBody  func() (io.ReadCloser, error)
	recorder *recorder
	once     bool          // the body can be had only once
	next     io.ReadCloser // for the next attempt
}

// from looks at how req's body can be had again. Bodies up to bound bytes, or
// of unknown length, are recorded.
func (p *replay) from(req *http.Request, bound int) {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
	case req.GetBody != nil:
		p.getBody = req.GetBody
	case bound <= 0 || req.ContentLength > int64(bound):
		p.once = true
	default:
		p.recorder = &recorder{src: req.Body, max: bound, length: req.ContentLength, keep: true}
	}
}

// again gets the body for another attempt, and reports whether it could. It is
// asked before the last response is given up, so that there is something to
// return if it can not.
func (p *replay) again() bool {
	switch {
	case p.once:
		return false
	case p.getBody != nil:
		body, err := p.getBody()
		p.next = body
		return err == nil && body != nil
	case p.recorder != nil:
		p.next = p.recorder.again()
		return p.next != nil
	}
	return true
}

// forget closes a body that was got and will not be sent.
func (p *replay) forget() {
	if p.next != nil {
		p.next.Close()
		p.next = nil
	}
}

// release says that there will be no further attempt.
func (p *replay) release() {
	p.forget()
	if p.recorder != nil {
		p.recorder.release()
	}
}

// A recorder keeps what is read of a request body, up to a bound: the whole of
// it or nothing. It closes the caller's body once: when the transport does, but
// no sooner than that no attempt can need it.
//
// An attempt may read what it has closed, as long as nothing was read before:
// for HTTP/2, net/http does when a connection turns out to be unusable and it
// tries another one (RoundTripOpt in net/http/h2_bundle.go). Bodies with an
// io.NopCloser around them let it. Whether it will close what it reads then is
// not known; so the caller's body is closed when the call ends, at the latest.
type recorder struct {
	src    io.ReadCloser // the caller's
	length int64         // what the request says of its length, 0 or less if nothing
	max    int

	mu      sync.Mutex // guards the rest
	current *recording // of the last attempt that was given the caller's body
	kept    []byte
	started bool // something was read, or tried to be
	whole   bool // kept is all of it
	lost    bool // it was longer than max, or reading failed
	keep    bool // another attempt may come
	closing bool // the transport closed it
	closed  bool // src was closed
}

// open returns the caller's body for one attempt. From the second attempt on it
// is called with the lock held: a late read of an earlier one may ask who is
// current.
func (r *recorder) open() io.ReadCloser {
	r.current = &recording{r: r}
	return r.current
}

// A recording is the caller's body as one attempt has it. A transport may close
// it late and more than once; the next attempt's is another.
type recording struct {
	r    *recorder
	over bool // it was closed; guarded by r.mu
}

func (b *recording) Read(p []byte) (int, error) {
	if !b.r.start(b) {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.r.read(p)
}

func (b *recording) Close() error { return b.r.close(b) }

// start says whether b may read. That is asked under the lock: a read that
// comes as b is closed must not meet the next attempt's.
func (r *recorder) start(b *recording) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b.over && (b != r.current || r.started || r.closed) {
		return false
	}
	b.over, r.started = false, true
	return true
}

func (r *recorder) read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	ended := err == io.EOF
	r.note(p[:n], ended, err != nil && !ended)
	return n, err
}

func (r *recorder) note(p []byte, ended, broken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost || r.whole {
		return
	}
	if len(r.kept)+len(p) > r.max || broken {
		r.lost, r.kept = true, nil
		return
	}
	if r.keep {
		r.kept = append(r.kept, p...)
	}
	r.whole = ended || r.length > 0 && int64(len(r.kept)) == r.length
}

// close closes the caller's body, unless nothing was read of it and another
// attempt may want it.
func (r *recorder) close(b *recording) error {
	r.mu.Lock()
	if b.over {
		r.mu.Unlock()
		return nil
	}
	shut := !r.closed && (r.started || !r.keep)
	b.over, r.closing = true, true
	r.closed = r.closed || shut
	r.mu.Unlock()
	if shut {
		return r.src.Close()
	}
	return nil
}

// again returns a body for another attempt: a copy of what was kept, or the
// caller's own if the transport closed it unread. Otherwise it is nil.
func (r *recorder) again() io.ReadCloser {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.whole:
		return io.NopCloser(bytes.NewReader(r.kept))
	case !r.started && r.closing && !r.closed:
		r.closing = false
		return r.open()
	}
	return nil
}

func (r *recorder) release() {
	r.mu.Lock()
	r.keep = false
	shut := r.closing && !r.closed
	r.closed = r.closed || shut
	r.mu.Unlock()
	if shut {
		r.src.Close()
	}
}
