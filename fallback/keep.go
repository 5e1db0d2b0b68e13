package fallback

import (
	"net/http"
	"strings"
	"time"
)

// keep does with an answer from the service what a cache does: store it,
// forget what it replaces, or let it pass. It returns resp, with its body
// watched if it is to be stored. Done, if not nil, is called once that is
// settled, with what others can expect of it.
func (c *core) keep(req *http.Request, resp *http.Response, m mark, done func(outcome)) *http.Response {
	disown(resp)
	switch req.Method {
	case "", http.MethodGet:
		if c.keepGet(req, resp, m, done) {
			return resp
		}
	case http.MethodHead:
		c.compareHead(req, resp, m)
	case http.MethodOptions, http.MethodTrace, "PROPFIND", "REPORT", "SEARCH", "QUERY":
	case http.MethodPost:
		if c.keepPost(req, resp, m) {
			return resp
		}
	default:
		c.invalidateBy(req, resp)
	}
	if done != nil {
		done(withheld)
	}
	return resp
}

// keepGet reports whether resp is being stored.
func (c *core) keepGet(req *http.Request, resp *http.Response, m mark, done func(outcome)) bool {
	if hasBody(req) { // what it asks for, its URL does not say
		return false
	}
	switch resp.StatusCode {
	case http.StatusNotModified:
		c.refresh(req, resp, m)
		return false
	case http.StatusNotFound, http.StatusGone:
		if !c.empty() {
			a := c.read(req)
			c.forget(&a)
		}
	}
	return c.worthStoring(resp) && c.store(req, resp, "", m, done)
}

// keepPost reports whether resp is being stored. An answer to a POST that is
// not a question tells of a change.
func (c *core) keepPost(req *http.Request, resp *http.Response, m mark) bool {
	if c.PostKey == nil || resp.StatusCode != http.StatusOK {
		c.invalidateBy(req, resp)
		return false
	}
	post := c.PostKey(req)
	if post == "" {
		c.invalidateBy(req, resp)
		return false
	}
	return c.worthStoring(resp) && c.store(req, resp, post, m, nil)
}

// worthStoring asks the cheap questions, those that most of the answers that
// cannot be stored fail.
func (c *core) worthStoring(resp *http.Response) bool {
	if !knownStatus(resp.StatusCode) || resp.ContentLength > c.MaxBody || endsAnyhow(resp) {
		return false
	}
	lines := resp.Header["Cache-Control"]
	if len(lines) == 0 && (resp.ContentLength == 0 || resp.Body == nil || resp.Body == http.NoBody) {
		// An answer with nothing in it is kept for what it says of its freshness.
		return len(resp.Header["Expires"]) > 0
	}
	return !sayNoStore(lines) && !isStream(resp.Header)
}

// endsAnyhow says whether the end of a body is that of its connection, as in
// HTTP/1.0: whether it was cut nobody can tell (RFC 9112, section 8).
func endsAnyhow(resp *http.Response) bool {
	return resp.Close && resp.ContentLength < 0 && resp.ProtoMajor == 1 && len(resp.TransferEncoding) == 0 && !resp.Uncompressed
}

// sayNoStore finds the directive where it usually is, without reading the
// rest. That it could be part of another one's value does no harm.
func sayNoStore(lines []string) bool {
	for _, line := range lines {
		if strings.Contains(line, "no-store") {
			return !strings.Contains(line, "must-understand")
		}
	}
	return false
}

// isStream says whether a body is one that is read while it is made.
func isStream(h http.Header) bool {
	values := h["Content-Type"]
	return len(values) > 0 && (beginsWith(values[0], "text/event-stream") ||
		beginsWith(values[0], "application/grpc") || beginsWith(values[0], "multipart/x-mixed-replace"))
}

// beginsWith says whether s begins with prefix, in letters of either case.
func beginsWith(s, prefix string) bool {
	return len(s) >= len(prefix) && s[0]|0x20 == prefix[0] && (s[:len(prefix)] == prefix || strings.EqualFold(s[:len(prefix)], prefix))
}

// store begins to store resp if it may be stored, and reports whether it does.
func (c *core) store(req *http.Request, resp *http.Response, post string, m mark, done func(outcome)) bool {
	cc, ok := parseControl(valuesOf(resp.Header, "Cache-Control"))
	if !ok || cc.forbidsStoring() || c.closed.Load() {
		return false
	}
	now := time.Now()
	t := c.termsOf(resp.StatusCode, resp.Header, cc, now)
	if !c.useful(resp, t) {
		return false
	}
	a := c.read(req)
	a.post = post
	spec, ok := specOf(resp.Header, resp.Uncompressed)
	if !ok || !c.mayStore(&a, resp, cc, t) {
		return false
	}
	watching := &tee{core: c, entry: c.newEntry(resp, t, spec, now, m), to: c.addressOf(&a, spec), mark: m, settled: done}
	watching.watch(resp)
	return true
}

// useful says whether a response on these terms could ever be served.
func (c *core) useful(resp *http.Response, t terms) bool {
	asking := c.ServeFresh && hasValidator(resp.Header)
	if resp.StatusCode >= 400 || !t.explicit && !lasting(resp.StatusCode) {
		return c.ServeFresh && t.explicit && !t.noCache && t.life > 0
	}
	return asking || c.keepFor(t, false) > 0 && !t.noCache
}

// mayStore asks whose the response is: RFC 9111, sections 3, 3.5 and 5.2.2.7.
func (c *core) mayStore(a *asking, resp *http.Response, cc control, t terms) bool {
	if a.noStore || a.special || c.askedForAnother(a, resp) {
		return false
	}
	if c.SingleUser || !a.anonymous() {
		return true
	}
	// A cookie without a word about caching makes it somebody's own.
	return !cc.private && (valuesOf(resp.Header, "Set-Cookie") == nil || t.explicit || cc.public)
}

// askedForAnother reports whether somebody further in has told the service who
// asks. Whom the next caller would be taken for, a cache cannot know, unless
// Partition says so.
func (c *core) askedForAnother(a *asking, resp *http.Response) bool {
	sent := resp.Request
	return sent != nil && sent != a.Request && !c.SingleUser && a.partition == "" && !c.sameUser(sent, a.Request)
}
