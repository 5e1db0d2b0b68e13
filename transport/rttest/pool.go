package rttest

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// What a wrapper that sends again does with the answer that it discards. For
// the others, who hand every answer to the caller, these rules are trivially
// true.
var poolRules = []rule{
	{"reuse", "connections are used again after a discarded answer: none is opened anew after up to 64 KiB, and after 1 MiB at most one for each", sockets, reuse},
	{"endless-discarded", "a discarded answer whose body dribbles, or never ends, does not hold the call", sockets, endlessDiscarded},
}

// unavailable answers 503 twice, with a body, and then 200. A wrapper that
// does not send again leaves the 503 to the caller.
func (p *probe) unavailable(body http.HandlerFunc) (*site, *atomic.Int64) {
	p.Helper()
	calls := new(atomic.Int64)
	return p.serve(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) <= 2 {
			body(w, r)
			return
		}
		io.WriteString(w, "fine")
	}), calls
}

// reuse tries a size again before it complains: how long a wrapper is willing
// to read may depend on time, and a busy machine is no fault of the wrapper.
func reuse(p *probe) {
	for _, size := range []int{0, 1 << 10, 64 << 10, 1 << 20} {
		var dials, allowed int64
		for range 3 {
			if dials, allowed = p.dialled(size); dials <= allowed {
				break
			}
		}
		if dials > allowed {
			p.fault("with discarded bodies of %d bytes %d connections were opened, and %d would do", size, dials, allowed)
		}
	}
}

func (p *probe) dialled(size int) (dials, allowed int64) {
	body := bytes.Repeat([]byte("x"), size)
	s, calls := p.unavailable(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.WriteHeader(http.StatusServiceUnavailable)
		w.Write(body)
	})
	resp := p.fetch(p.wrap(s.base), p.get(s, ""))
	if _, err := p.read(resp.Body); err != nil {
		p.fault("reading the last answer: %v", err)
	}
	resp.Body.Close()
	if size > 64<<10 {
		return s.dials.Load(), calls.Load()
	}
	return s.dials.Load(), 1
}

func endlessDiscarded(p *probe) {
	for name, rest := range map[string]func(http.ResponseWriter, *http.Request){
		"never ends": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"dribbles": func(w http.ResponseWriter, r *http.Request) {
			for drop := time.Tick(5 * time.Millisecond); r.Context().Err() == nil; <-drop {
				say(w, ".")
			}
		},
	} {
		s, _ := p.unavailable(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			say(w, "first")
			rest(w, r)
		})
		rt := p.wrap(s.base)
		var resp *http.Response
		p.within("a call whose discarded answer "+name, func() {
			if o := trip(rt, p.get(s, "")); o.err != nil || o.panicked != nil {
				p.fault("the call failed: %v %v", o.err, o.panicked)
			} else {
				resp = o.resp
			}
		})
		if resp != nil {
			p.within("closing the answer", func() { resp.Body.Close() })
		}
	}
}
