package fallback

import (
	"net/http"
	"strings"
	"time"
)

// Terms are what a response says of its own reuse, understood.
type terms struct {
	life                 time.Duration // freshness lifetime: RFC 9111, section 4.2.1
	staleIfError         time.Duration // RFC 5861, section 4; absent if not given
	staleWhileRevalidate time.Duration // RFC 5861, section 3; absent if not given

	explicit       bool // the lifetime was given, not guessed
	noCache        bool // never without asking
	mustRevalidate bool // never stale
}

// termsOf computes the terms of a response. It is the part of storing that is
// a pure function of the response and the cache's settings.
func (c *core) termsOf(status int, h http.Header, cc control, received time.Time) terms {
	t := terms{
		staleIfError:         cc.staleIfError,
		staleWhileRevalidate: cc.staleWhileRevalidate,
		noCache:              cc.noCache,
		// s-maxage has the meaning of proxy-revalidate in it: section 5.2.2.10.
		mustRevalidate: cc.mustRevalidate || !c.SingleUser && (cc.proxyRevalidate || cc.sMaxAge != absent),
	}
	expires := h["Expires"]
	switch {
	case cc.sMaxAge != absent && !c.SingleUser:
		t.life, t.explicit = cc.sMaxAge, true
	case cc.maxAge != absent:
		t.life, t.explicit = cc.maxAge, true
	case len(expires) > 0:
		t.life, t.explicit = untilExpiry(expires, dateOf(h, received)), true
	case c.Heuristic && (lasting(status) || cc.public):
		t.life = guess(h, dateOf(h, received))
	}
	return t
}

// untilExpiry measures an Expires header from the response's own date. One
// that does not parse, such as "0", means the past: RFC 9111, section 5.3.
func untilExpiry(expires []string, date time.Time) time.Duration {
	life := longest
	for _, e := range expires {
		at, ok := parseDate(e)
		if !ok {
			return 0
		}
		life = min(life, at.Sub(date))
	}
	return max(0, life)
}

// mostGuessed bounds a guessed lifetime.
const mostGuessed = 24 * time.Hour

// guess is the heuristic of RFC 9111, section 4.2.2: a tenth of the time since
// the last change.
func guess(h http.Header, date time.Time) time.Duration {
	changed, ok := parseDate(h.Get("Last-Modified"))
	if !ok {
		return 0
	}
	return min(max(0, date.Sub(changed)/10), mostGuessed)
}

// dateOf returns when a response was made, as far as it says.
func dateOf(h http.Header, received time.Time) time.Time {
	if values := h["Date"]; len(values) > 0 {
		if date, ok := parseDate(values[0]); ok {
			return date
		}
	}
	return received
}

// ageOf returns how old a response was when it was received: RFC 9111, section
// 4.2.3, corrected_initial_age. Delay is how long the request took. Of several
// ages the first one counts; one that is no number is ignored: section 5.1.
func ageOf(h http.Header, received time.Time, delay time.Duration) time.Duration {
	var age time.Duration
	if values := h["Age"]; len(values) > 0 {
		first, _, _ := strings.Cut(values[0], ",")
		if a, ok := parseSeconds(strings.TrimRight(first, " \t")); ok {
			age = a
		}
	}
	apparent := received.Sub(dateOf(h, received)) // less than nothing if the date is ahead
	return min(max(apparent, age+delay), longest) // so that what is added to it cannot overflow
}

// lasting says whether a status may be kept although nothing was said of how
// long: RFC 9110, section 15.1, those below 400 alone.
func lasting(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308:
		return true
	}
	return false
}

// knownStatus says whether we know enough of a status to keep it if its
// freshness is explicit. Partial content is not among them.
func knownStatus(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 410:
		return true
	}
	return false
}

// A use is how a stored response may be used for a request.
type use uint8

const (
	useNot         use = iota // not without asking the origin
	useFresh                  // as it is
	useStale                  // as it is, because the request allows it
	useWhileAsking            // as it is, if the origin is asked in the background
)

// uses decides about a call that has not been sent: RFC 9111, section 4.2.
func (t terms) uses(age time.Duration, asked control) use {
	if t.noCache || asked.noCache || asked.noStore || asked.maxAge != absent && age > asked.maxAge {
		return useNot
	}
	if asked.minFresh != absent && t.life-age < asked.minFresh {
		return useNot
	}
	stale := age - t.life
	switch {
	case stale < 0:
		return useFresh
	case t.mustRevalidate:
		return useNot
	case asked.anyMaxStale, asked.maxStale != absent && stale <= asked.maxStale:
		return useStale
	case asked.maxAge == absent && t.staleWhileRevalidate != absent && stale <= t.staleWhileRevalidate:
		return useWhileAsking
	}
	return useNot
}

// standsIn decides about a call that was sent and failed: RFC 9111, section
// 4.2.4, and RFC 5861, section 4. Kept is how long ago the response was
// stored, and ttl the limit to that where the origin named none.
func (t terms) standsIn(age, kept, ttl time.Duration, asked control) bool {
	if t.noCache || asked.noCache || asked.noStore || asked.maxAge != absent && age > asked.maxAge {
		return false
	}
	if asked.minFresh != absent && t.life-age < asked.minFresh {
		return false
	}
	stale := age - t.life
	if stale < 0 {
		return true
	}
	lenient := asked.anyMaxStale || asked.maxStale != absent || asked.staleIfError != absent
	switch {
	case t.mustRevalidate:
		return false
	case asked.maxStale != absent && stale > asked.maxStale:
		return false
	case asked.maxAge != absent && !lenient: // "not willing to accept a stale response": section 5.2.1.1
		return false
	case asked.staleIfError != absent && stale > asked.staleIfError:
		return false
	case t.staleIfError != absent:
		return stale <= t.staleIfError
	case asked.staleIfError != absent:
		return true
	}
	return kept < ttl
}

// keepFor returns for how long a response can be of any use.
func (c *core) keepFor(t terms, hasValidator bool) time.Duration {
	d := t.life
	if !t.mustRevalidate && !t.noCache {
		d += max(t.staleIfError, t.staleWhileRevalidate, 0)
		if t.staleIfError == absent {
			d = max(d, c.TTL)
		}
	}
	if c.ServeFresh && hasValidator {
		d = max(d, t.life+validatorTime)
	}
	return d
}

// validatorTime is how long a stale response is worth keeping because a 304
// can make it fresh again.
const validatorTime = 24 * time.Hour
