package fallback

import (
	"strings"
	"time"
)

// A control is a Cache-Control header, of a request or a response: RFC 9111,
// section 5.2, and RFC 5861. Durations that were not given are absent.
type control struct {
	noStore, noCache, private, public bool
	mustRevalidate, proxyRevalidate   bool
	mustUnderstand                    bool
	onlyIfCached                      bool
	anyMaxStale                       bool // max-stale without a value

	maxAge, sMaxAge, maxStale, minFresh time.Duration
	staleIfError, staleWhileRevalidate  time.Duration
}

// absent is the value of a duration that was not given.
const absent time.Duration = -1

// longest is what RFC 9111, section 1.2.2, puts in place of larger numbers.
const longest = (1 << 31) * time.Second

var noControl = control{
	maxAge: absent, sMaxAge: absent, maxStale: absent, minFresh: absent,
	staleIfError: absent, staleWhileRevalidate: absent,
}

// parseControl reads a Cache-Control header. It reports false if the header is
// not well-formed, or if a directive that it knows has a value that it does
// not understand; who cannot read the terms does not use the answer. Unknown
// directives are passed over.
func parseControl(lines []string) (control, bool) {
	c := noControl
	for _, line := range lines {
		for rest := line; ; {
			name, value, hasValue, tail, ok := nextDirective(rest)
			if !ok {
				return noControl, false
			}
			if name == "" {
				break
			}
			if !c.add(name, value, hasValue) {
				return noControl, false
			}
			rest = tail
		}
	}
	return c, true
}

// add takes in one directive.
func (c *control) add(name, value string, hasValue bool) bool {
	switch len(name) { // most headers have one or two directives: the length tells them apart
	case len("public"): // and s-maxage's shorter sibling
		if strings.EqualFold(name, "public") {
			c.public = true
		}
	case len("max-age"):
		switch {
		case strings.EqualFold(name, "max-age"):
			return setSeconds(&c.maxAge, value, hasValue)
		case strings.EqualFold(name, "private"):
			c.private = true // with or without a list of fields
		}
	case len("no-store"):
		switch {
		case strings.EqualFold(name, "no-store"):
			c.noStore = true
		case strings.EqualFold(name, "no-cache"):
			c.noCache = true // with or without a list of fields
		case strings.EqualFold(name, "s-maxage"):
			return setSeconds(&c.sMaxAge, value, hasValue)
		}
	case len("max-stale"):
		switch {
		case strings.EqualFold(name, "max-stale") && !hasValue:
			c.anyMaxStale = true
		case strings.EqualFold(name, "max-stale"):
			return setSeconds(&c.maxStale, value, hasValue)
		case strings.EqualFold(name, "min-fresh"):
			return setSeconds(&c.minFresh, value, hasValue)
		}
	default:
		return c.addLong(name, value, hasValue)
	}
	return true
}

func (c *control) addLong(name, value string, hasValue bool) bool {
	switch {
	case strings.EqualFold(name, "must-revalidate"):
		c.mustRevalidate = true
	case strings.EqualFold(name, "must-understand"):
		c.mustUnderstand = true
	case strings.EqualFold(name, "proxy-revalidate"):
		c.proxyRevalidate = true
	case strings.EqualFold(name, "only-if-cached"):
		c.onlyIfCached = true
	case strings.EqualFold(name, "stale-if-error"):
		return setSeconds(&c.staleIfError, value, hasValue)
	case strings.EqualFold(name, "stale-while-revalidate"):
		return setSeconds(&c.staleWhileRevalidate, value, hasValue)
	}
	return true
}

// forbidsStoring says whether a response of a status that we know may not be
// stored: RFC 9111, section 5.2.2.3. Its no-store may be there for caches that
// do not know the status.
func (c control) forbidsStoring() bool { return c.noStore && !c.mustUnderstand }

// setSeconds reads delta-seconds: RFC 9111, section 1.2.2. A directive that is
// given twice with two values counts as 0: section 4.2.1 lets a cache consider
// such an answer stale.
func setSeconds(d *time.Duration, value string, hasValue bool) bool {
	seconds, ok := parseSeconds(value)
	if !ok || !hasValue {
		return false
	}
	if *d != absent && *d != seconds {
		seconds = 0
	}
	*d = seconds
	return true
}

func parseSeconds(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	var n int64
	for _, b := range []byte(s) {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = min(n*10+int64(b-'0'), int64(longest/time.Second))
	}
	return time.Duration(n) * time.Second, true
}

// nextDirective cuts the first directive off a list. At the list's end its
// name is "". The value of a quoted string is returned without its quotes and
// with its escapes: no value that has one means anything to us.
func nextDirective(s string) (name, value string, hasValue bool, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t,")
	i := tokenEnd(s)
	if i == 0 {
		return "", "", false, "", s == ""
	}
	name, s = s[:i], s[i:]
	if strings.HasPrefix(s, "=") {
		hasValue = true
		if value, s, ok = cutValue(s[1:]); !ok {
			return "", "", false, "", false
		}
	}
	s = strings.TrimLeft(s, " \t")
	if s != "" && s[0] != ',' {
		return "", "", false, "", false
	}
	return name, value, hasValue, s, true
}

// cutValue cuts a token or a quoted string off s.
func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		i := tokenEnd(s)
		return s[:i], s[i:], i > 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[1:i], s[i+1:], true
		}
	}
	return "", "", false
}

// tokenEnd returns the length of the token that s begins with: RFC 9110,
// section 5.6.2.
func tokenEnd(s string) int {
	for i := range len(s) {
		if !tokenByte[s[i]] {
			return i
		}
	}
	return len(s)
}

var tokenByte = func() (t [256]bool) {
	for b := range t {
		t[b] = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
	}
	for _, b := range []byte("!#$%&'*+-.^_`|~") {
		t[b] = true
	}
	return t
}()

// requestControl reads what a request asks of caches. What cannot be read
// counts as no-cache, and so does Pragma: no-cache where there is no
// Cache-Control (RFC 9111, section 5.4).
func requestControl(lines, pragma []string) control {
	c, ok := parseControl(lines)
	if !ok {
		c.noCache = true
	}
	if len(lines) == 0 && len(pragma) > 0 {
		p, _ := parseControl(pragma)
		c.noCache = p.noCache
	}
	return c
}
