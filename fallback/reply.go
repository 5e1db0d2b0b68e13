package fallback

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A reply is a stored response on its way out. It is the response, its body,
// and the sign by which a [Ladder] knows that it came from a cache of ours.
type reply struct {
	http.Response
	facts  facts
	reader bytes.Reader
	closed atomic.Bool
}

// serve makes an answer to a of e, as old as age. A condition in the request
// is answered as the service would: RFC 9111, section 4.3.2.
func (c *core) serve(a *asking, e *entry, age time.Duration, f facts) *http.Response {
	f.ttl = seconds(e.life) - seconds(age) // so that it and Age add up
	header, spare := e.head.unpack(2)
	r := &reply{facts: f}
	r.Response = http.Response{
		Status: statusLine(e.status), StatusCode: e.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        header,
		ContentLength: int64(len(e.body)),
		Uncompressed:  e.uncompressed,
		Body:          r,
		Request:       a.Request,
	}
	switch {
	case a.conditional && e.status == http.StatusOK && satisfied(a.Header, e):
		r.Status, r.StatusCode, r.ContentLength = "304 Not Modified", http.StatusNotModified, 0
		delete(r.Header, "Content-Length")
	case a.Method != http.MethodHead:
		r.reader.Reset(e.body)
	case e.uncompressed:
		r.ContentLength = -1
	}
	spare[0], spare[1] = strconv.FormatInt(seconds(age), 10), f.String()
	header["Age"] = spare[:1:1]
	others := header["Cache-Status"]
	header["Cache-Status"] = spare[1:2:2]
	if others != nil {
		header["Cache-Status"] = append(others, spare[1])
	}
	transport.TripFrom(a.Context()).SetAnswer(transport.Answer{Source: transport.SourceCache})
	c.hits.Add(1)
	return &r.Response
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (r *reply) Read(p []byte) (int, error) {
	if r.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return r.reader.Read(p)
}

// WriteTo spares io.Copy its buffer.
func (r *reply) WriteTo(w io.Writer) (int64, error) {
	if r.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return r.reader.WriteTo(w)
}

func (r *reply) Close() error {
	r.closed.Store(true)
	return nil
}

// satisfied reports whether the caller has e already, by the conditions that
// its request states: RFC 9110, section 13.2.2.
func satisfied(h http.Header, e *entry) bool {
	etag, modified := e.validator()
	if tags := valuesOf(h, "If-None-Match"); tags != nil {
		return matches(tags, etag)
	}
	if since := valuesOf(h, "If-Modified-Since"); len(since) == 1 {
		limit, ok := parseDate(since[0])
		return ok && !e.changed(modified).After(limit)
	}
	return false
}

// changed returns the last time at which e can have changed: RFC 9111, section
// 4.3.2. Where the service did not say, that is when it was made.
func (e *entry) changed(modified string) time.Time {
	if at, ok := parseDate(modified); ok {
		return at
	}
	if at, ok := parseDate(e.head.first("Date")); ok {
		return at
	}
	return e.received
}

// matches compares entity tags by the weak comparison: RFC 9110, section
// 13.1.2. A tag may have commas in it, but no quotation marks.
func matches(lists []string, etag string) bool {
	for _, list := range lists {
		for {
			list = strings.TrimLeft(list, " \t,")
			if list == "*" {
				return true
			}
			open := strings.IndexByte(list, '"')
			if open < 0 {
				break
			}
			length := strings.IndexByte(list[open+1:], '"')
			if length < 0 {
				break
			}
			end := open + 1 + length + 1
			if etag != "" && weakEqual(list[:end], etag) {
				return true
			}
			list = list[end:]
		}
	}
	return false
}
