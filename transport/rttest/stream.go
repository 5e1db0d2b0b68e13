package rttest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// What streams over a connection streams through the wrapper.
var streamRules = []rule{
	{"events", "an event stream is not read ahead: each event arrives before the server sends the next", sockets, events},
	{"uploads", "an upload is not read ahead: the server gets each piece before the caller writes the next", sockets, uploads},
	{"duplex", "an answer that comes while the request's body is still sent can be read while it is", sockets, duplex},
	{"expect-continue", "with Expect: 100-continue the body is left unread until the server asks for it", sockets, expectContinue},
	{"early-answer", "an answer that comes before the body is sent comes through at once", sockets, earlyAnswer},
}

// await waits for a step of the other side, or for the rule's end.
func await(step <-chan struct{}, r *http.Request) bool {
	select {
	case <-step:
		return true
	case <-r.Context().Done():
		return false
	}
}

func events(p *probe) {
	next := make(chan struct{})
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 4 {
			say(w, fmt.Sprintf("data: %d\n\n", i))
			if !await(next, r) {
				return
			}
		}
	})
	resp := p.fetch(p.wrap(s.base), p.get(s, ""))
	lines := bufio.NewReaderSize(resp.Body, 16)
	for i := range 4 {
		p.within(fmt.Sprintf("waiting for event %d", i), func() {
			line, err := lines.ReadString('\n')
			if want := fmt.Sprintf("data: %d\n", i); line != want || err != nil {
				p.fault("event %d arrived as %q, %v", i, line, err)
			}
			_, _ = lines.ReadString('\n')
			next <- struct{}{}
		})
	}
}

func uploads(p *probe) {
	got := make(chan string)
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		piece := make([]byte, 6)
		for {
			n, err := io.ReadFull(r.Body, piece)
			if err != nil {
				return
			}
			select {
			case got <- string(piece[:n]):
			case <-r.Context().Done():
				return
			}
		}
	})
	body, caller := io.Pipe()
	p.Cleanup(func() { caller.Close() })
	rt, req := p.wrap(s.base), p.requestTo(s.url, http.MethodPost, body)
	ended := make(chan outcome, 1)
	go func() { ended <- trip(rt, req) }()
	for i := range 4 {
		piece := fmt.Sprintf("piece%d", i)
		p.within("waiting for "+piece+" to arrive", func() {
			_, _ = io.WriteString(caller, piece)
			if arrived := <-got; arrived != piece {
				p.fault("%q arrived as %q", piece, arrived)
			}
		})
	}
	caller.Close()
	p.within("waiting for the answer to the upload", func() {
		o := <-ended
		if o.err != nil || o.panicked != nil {
			p.fault("the upload failed: %v %v", o.err, o.panicked)
			return
		}
		o.resp.Body.Close()
	})
}

func duplex(p *probe) {
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 is so anyway
		say(w, "")
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			say(w, lines.Text()+" back\n")
		}
	})
	body, caller := io.Pipe()
	p.Cleanup(func() { caller.Close() })
	resp := p.fetch(p.wrap(s.base), p.requestTo(s.url, http.MethodPost, body))
	lines := bufio.NewReaderSize(resp.Body, 16)
	for i := range 3 {
		p.within(fmt.Sprintf("waiting for echo %d", i), func() {
			fmt.Fprintf(caller, "line %d\n", i)
			line, err := lines.ReadString('\n')
			if want := fmt.Sprintf("line %d back\n", i); line != want || err != nil {
				p.fault("echo %d is %q, %v", i, line, err)
			}
		})
	}
}

func expectContinue(p *probe) {
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		echo(w, r)
	})
	s.base.ExpectContinueTimeout = 2 * p.patience // so that only the server's word counts
	rt := p.wrap(s.base)
	for path, want := range map[string]string{"/refuse": "417", "/accept": "200 body"} {
		body := &Body{Reader: strings.NewReader("body")}
		req := p.requestTo(s.url+path, http.MethodPost, body)
		req.ContentLength = 4
		req.Header.Set("Expect", "100-continue")
		resp := p.fetch(rt, req)
		text, err := p.read(resp.Body)
		if got := strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", text)); got != want || err != nil {
			p.fault("%s was answered %q, %v instead of %q", path, got, err, want)
		}
		if path == "/refuse" && body.Reads() > 0 {
			p.fault("the server did not ask for the body, and it was read %d times", body.Reads())
		}
		resp.Body.Close()
		p.closedOnce(body, "the body of %s", path)
	}
}

// halting is a body that gives its first bytes and then waits.
type halting struct {
	first io.Reader
	on    <-chan struct{}
}

func (h *halting) Read(buf []byte) (int, error) {
	if n, err := h.first.Read(buf); err == nil {
		return n, nil
	}
	<-h.on
	return 0, io.EOF
}

func earlyAnswer(p *probe) {
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		say(w, "")
	})
	sent := make(chan struct{})
	body := &Body{Reader: &halting{first: strings.NewReader(strings.Repeat("x", 1024)), on: sent}}
	req := p.requestTo(s.url, http.MethodPost, body)
	defer p.closedOnce(body, "the body")
	defer close(sent)
	resp := p.fetch(p.wrap(s.base), req)
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		p.fault("the answer is %s", resp.Status)
	}
}
