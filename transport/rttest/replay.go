package rttest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// What a wrapper that sends more than once owes. For the others these rules
// are trivially true.
var replayRules = []rule{
	{"whole-body-each-attempt", "each attempt sends the same body, whole, from where the caller's reader stood", memory, wholeBodyEachAttempt},
	{"discarded-closed", "a response that the caller does not get to see is closed", memory, discardedClosed},
	{"last-answer", "a response is not an error: whatever its status, it comes back readable, and when attempts run out it is the last one", memory, lastAnswer},
}

// seeker is a body that could be rewound, like a file.
type seeker struct {
	io.ReadSeeker
}

func (seeker) Close() error { return nil }

func wholeBodyEachAttempt(p *probe) {
	bodies := map[string]func(*http.Request){
		"a body with GetBody": func(r *http.Request) { replayable(r, "whole body") },
		"a body without GetBody": func(r *http.Request) {
			r.Body, r.ContentLength = &Body{Reader: strings.NewReader("whole body")}, -1
		},
		"a reader that stands in the middle": func(r *http.Request) {
			s := strings.NewReader("skipped whole body")
			_, _ = s.Seek(int64(len("skipped ")), io.SeekStart)
			r.Body, r.ContentLength = seeker{s}, int64(s.Len())
		},
	}
	for name, set := range bodies {
		req := p.request(http.MethodPut, nil)
		set(req)
		script := Script(http.StatusServiceUnavailable, http.StatusServiceUnavailable, http.StatusOK)
		p.fetch(p.wrap(script), req).Body.Close()
		for i, sent := range script.Sent() {
			if string(sent.Body) != "whole body" {
				p.fault("%s: attempt %d sent %q instead of %q", name, i+1, sent.Body, "whole body")
			}
			if sent.Request.ContentLength != req.ContentLength {
				p.fault("%s: attempt %d had ContentLength %d instead of %d", name, i+1, sent.Request.ContentLength, req.ContentLength)
			}
		}
	}
}

func discardedClosed(p *probe) {
	for _, script := range []*Scripted{
		Script(http.StatusServiceUnavailable, http.StatusServiceUnavailable, http.StatusOK),
		Script(http.StatusServiceUnavailable),
		Script(http.StatusBadGateway, errors.New("base failed")),
	} {
		if resp, err := p.send(p.wrap(script), p.request(http.MethodGet, nil)); err == nil {
			resp.Body.Close()
		}
		if !p.eventually(func() bool { return script.Open() == 0 }) {
			p.fatal("%d of %d bodies were left open", script.Open(), len(script.Sent()))
		}
	}
}

func lastAnswer(p *probe) {
	for _, status := range []int{400, 401, 403, 404, 407, 409, 410, 413, 422, 425, 501, 504, 529} {
		p.comesBack(http.MethodPost, status)
	}
	for _, status := range []int{404, 429, 500, 503} {
		p.comesBack(http.MethodGet, status)
	}
}

// comesBack tries a base that always answers with one status, and numbers its
// answers.
func (p *probe) comesBack(method string, status int) {
	var attempts atomic.Int64
	script := Script(func(req *http.Request) (*http.Response, error) {
		return answer(req, status, fmt.Sprintf("answer %d", attempts.Add(1))), nil
	})
	resp := p.fetch(p.wrap(script), p.request(method, nil))
	if resp.StatusCode != status {
		p.fault("%s: %d became %d", method, status, resp.StatusCode)
	}
	text, err := p.read(resp.Body)
	if want := fmt.Sprintf("answer %d", attempts.Load()); err != nil || text != want {
		p.fault("%s: the body of a %d was %q (error: %v), not that of the last answer, %q", method, status, text, err, want)
	}
}
