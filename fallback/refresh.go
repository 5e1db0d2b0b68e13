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
	if c.askedForAnother(&a, resp) {
		return
	}
	if e := c.find(&a); e != nil {
		c.refreshEntry(&a, e, resp, m, nil)
	}
}

// refreshEntry stores e again with the header of resp over its own, and
// returns it; or nil if resp speaks of something else than e.
func (c *core) refreshEntry(a *asking, e *entry, resp *http.Response, m mark, done func(outcome)) *entry {
	if !e.describedBy(resp.Header) {
		return nil
	}
	now := time.Now()
	merged := e.refreshed(resp.Header)
	if resp.Header["Age"] != nil {
		merged["Age"] = resp.Header["Age"]
	}
	if resp.Header["Date"] == nil {
		merged["Date"] = []string{now.UTC().Format(http.TimeFormat)}
	}
	cc, ok := parseControl(merged["Cache-Control"])
	spec, varies := parseVary(merged["Vary"])
	again := c.newEntry(&http.Response{StatusCode: e.status, Uncompressed: e.uncompressed, Header: merged},
		c.termsOf(e.status, merged, cc, now), spec, now, m)
	again.body = e.body
	if !ok || !varies || cc.noStore || cc.private && !c.SingleUser && a.anonymous() {
		c.forget(a) // it may be used this once
		if done != nil {
			done(withheld)
		}
		return again
	}
	c.commit(c.addressOf(a, spec), again, m, done)
	return again
}

// describedBy reports whether a 304's header can be about e: its validators are
// e's, or it has none. Of two entity tags that are not both strong only the
// opaque parts are compared.
func (e *entry) describedBy(h http.Header) bool {
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
		if e == nil || e.status != http.StatusOK {
			return
		}
		sameLength := resp.ContentLength < 0 || e.uncompressed || resp.ContentLength == int64(len(e.body))
		if !sameLength || !e.describedBy(resp.Header) {
			c.forget(&a)
		} else if hasValidator(resp.Header) {
			c.refreshEntry(&a, e, resp, m, nil)
		}
	}
}
