package fallback

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"time"
	"unsafe"
)

// An item is what a shelf holds: an *entry or a *resource. Items do not change
// once they are there.
type item interface{ size() int64 }

// An entry is a stored response.
type entry struct {
	terms
	status       int
	uncompressed bool
	received     time.Time
	age          time.Duration // when it was received
	spec         string        // the normal form of Vary
	head         fields
	body         []byte
}

func (e *entry) size() int64 {
	return int64(unsafe.Sizeof(*e)) + int64(len(e.head)) + int64(len(e.spec)) + int64(cap(e.body))
}

// kept returns how long ago the response was received, by the one of our clocks
// that says more: the one that can be set may have been, the other one stands
// still while the machine sleeps. It reports false if the response is from the
// future by more than clocks differ: a clock was set, and nothing can be said
// of the entry's age.
func (e *entry) kept(now time.Time) (time.Duration, bool) {
	d := max(now.Sub(e.received), now.Round(0).Sub(e.received.Round(0)))
	return max(0, d), d >= -clockSkew
}

// clockSkew is how far the clocks of those who share a Store may differ.
const clockSkew = 5 * time.Second

// validator returns what identifies the representation, both parts "" if
// nothing does.
func (e *entry) validator() (etag, modified string) {
	return e.head.first("Etag"), e.head.first("Last-Modified")
}

// A resource is what is known of a URL: how its responses vary, and the number
// that their keys have in them. Without the number, or with another one, they
// cannot be found any more, whoever they were for.
type resource struct {
	nonce   uint64
	changed time.Time // when it was invalidated, zero if that is not known
	specs   []string  // the normal forms of Vary seen, the newest first
}

// maxSpecs bounds the forms of Vary that are tried for one URL.
const maxSpecs = 4

func (r *resource) size() int64 {
	n := int64(unsafe.Sizeof(*r))
	for _, s := range r.specs {
		n += int64(unsafe.Sizeof(s)) + int64(len(s))
	}
	return n
}

// with returns r with spec in front, r itself if it is there already. A nil r
// is a resource that nothing is known of.
func (r *resource) with(spec string) *resource {
	switch {
	case r == nil:
		return &resource{nonce: rand.Uint64(), specs: []string{spec}}
	case len(r.specs) > 0 && r.specs[0] == spec:
		return r
	}
	specs := []string{spec}
	for _, s := range r.specs {
		if s != spec && len(specs) < maxSpecs {
			specs = append(specs, s)
		}
	}
	return &resource{r.nonce, r.changed, specs}
}

// newEntry makes an entry of a response, but for its body.
func (c *core) newEntry(resp *http.Response, t terms, spec string, received time.Time, m mark) *entry {
	return &entry{
		terms: t, status: resp.StatusCode, uncompressed: resp.Uncompressed,
		received: received, age: ageOf(resp.Header, received, c.delay(m, received)),
		spec: spec, head: packFields(dated(resp.Header, received)),
	}
}

// dated returns h with a Date, which what is stored must have: RFC 9110,
// section 6.6.1.
func dated(h http.Header, received time.Time) http.Header {
	if len(h["Date"]) > 0 {
		return h
	}
	h = maps.Clone(h)
	if h == nil {
		h = make(http.Header, 1)
	}
	h["Date"] = []string{received.UTC().Format(http.TimeFormat)}
	return h
}

// refreshed returns e with the header of a 304, or of a HEAD's answer, put
// over its own: RFC 9111, sections 3.2 and 4.3.4. What says how the body is to
// be read stays.
func (e *entry) refreshed(h http.Header) http.Header {
	merged, _ := e.head.unpack(len(h))
	nominated := connectionNames(h)
	for name, values := range h {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length", "Content-Encoding", "Content-Range":
			continue
		}
		if !isPassing(name) && !isNominated(nominated, name) {
			merged[name] = values
		}
	}
	return merged
}
