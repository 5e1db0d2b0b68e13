package fallback

import (
	"net/http"
	"strings"
	"time"
)

// refresh lets a 304 that the caller asked for bring what is stored up to
// date, if it names that: RFC 9111, section 4.3.4. Without a validator it may
// speak of what the caller has, which may be something else.
func (c *core) refresh(req *http.Request, resp *http.Response, m mark) {
	if hasBody(req) || c.empty() || !hasValidator(resp.Header) {
		return
	}
	a := c.read(req)
	if a.noStore {
		return
	}
	if e := c.find(&a); e != nil && e.describedBy(resp.Header) {
		c.refreshEntry(&a, e, resp, m, nil)
	}
}

// refreshEntry returns e with the header of resp over its own, and stores it in
// e's place if that may be.
func (c *core) refreshEntry(a *asking, e *entry, resp *http.Response, m mark, done func(outcome)) *entry {
	now := time.Now()
	merged := e.refreshed(resp.Header)
	if resp.Header["Age"] != nil {
		merged["Age"] = resp.Header["Age"]
	}
	if resp.Header["Date"] == nil {
		merged["Date"] = []string{now.UTC().Format(http.TimeFormat)}
	}
	cc, ok := parseControl(valuesOf(merged, "Cache-Control"))
	spec, varies := specOf(merged, e.uncompressed)
	again := c.newEntry(&http.Response{StatusCode: e.status, Uncompressed: e.uncompressed, Header: merged},
		c.termsOf(e.status, merged, cc, now), spec, now, m)
	again.body = e.body
	foreign := c.askedForAnother(a, resp)
	if !foreign && ok && varies && !cc.forbidsStoring() && (!cc.private || c.SingleUser || !a.anonymous()) {
		c.commit(c.addressOf(a, spec), again, m, done)
		return again
	}
	if !foreign {
		c.forget(a) // it may be used this once
	}
	if done != nil {
		done(withheld)
	}
	return again
}

// describedBy reports whether the header of a 304, or of a HEAD's answer, is
// about e: RFC 9111, section 4.3.4.
func (e *entry) describedBy(h http.Header) bool {
	if tags := h["Etag"]; len(tags) > 0 && !strings.HasPrefix(tags[0], "W/") {
		etag, _ := e.validator()
		return tags[0] == etag
	}
	return e.confirmedBy(h)
}

// confirmedBy reports whether h, which answers a question about e, can have e
// in mind: its validators are e's, or it has none. Of entity tags only the
// opaque parts are compared: to our question about W/"v", which it sent with
// what it compressed, nginx says that "v" has not changed.
func (e *entry) confirmedBy(h http.Header) bool {
	etag, modified := e.validator()
	if tags := h["Etag"]; len(tags) > 0 {
		return etag != "" && weakEqual(tags[0], etag)
	}
	if dates := h["Last-Modified"]; len(dates) > 0 {
		return dates[0] == modified
	}
	return true
}

func hasValidator(h http.Header) bool { return len(h["Etag"]) > 0 || len(h["Last-Modified"]) > 0 }

func weakEqual(a, b string) bool { return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/") }

// compareHead lets the answer to a HEAD bring what is stored up to date, or
// drop it if it is about something else by now: RFC 9111, section 4.3.5.
func (c *core) compareHead(req *http.Request, resp *http.Response, m mark) {
	if c.empty() {
		return
	}
	a := c.read(req)
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		c.forget(&a)
	case http.StatusOK:
		e := c.find(&a)
		if e == nil || e.status != http.StatusOK || e.uncompressed { // net/http asks for compression with GET alone
			return
		}
		sameLength := resp.ContentLength < 0 || resp.ContentLength == int64(len(e.body))
		switch {
		case !sameLength || !e.confirmedBy(resp.Header):
			c.forget(&a)
		case hasValidator(resp.Header) && e.describedBy(resp.Header) && !a.noStore:
			c.refreshEntry(&a, e, resp, m, nil)
		}
	}
}
