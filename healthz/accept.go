package healthz

import (
	"strconv"
	"strings"
)

// A format is a form of the answer.
type format int

const (
	formatJSON   format = iota
	formatHealth        // application/health+json
	formatText
	formatHTML
	formatEvents // the live page's stream
)

var formats = [...]struct {
	name, mediaType string
	shy             bool // given only to those who ask for it by name
}{
	formatJSON:   {"json", "application/json", false},
	formatHealth: {"health", "application/health+json", true},
	formatText:   {"text", "text/plain", false},
	formatHTML:   {"html", "text/html", false},
	formatEvents: {"events", "text/event-stream", true},
}

// choose returns the format that an Accept header asks for, as RFC 9110,
// section 12.5.1, has it: the most specific range that fits a format gives its
// weight. Between formats of one weight, what was asked for by name comes
// before what only a wildcard lets pass; then the default; then the order of
// the header. If nothing fits, it is the default: a prober that asks for the
// impossible had better get its status code than a 406.
func choose(accept string, def format) format {
	best, found := candidate{format: def}, false
	ranges := parseAccept(accept)
	for f := range formats {
		c, ok := weigh(ranges, format(f))
		if ok && (!found || c.before(best, def)) {
			best, found = c, true
		}
	}
	return best.format
}

// A candidate is a format with the range that fits it best.
type candidate struct {
	format
	acceptRange
}

func (c candidate) before(d candidate, def format) bool {
	switch {
	case c.weight != d.weight:
		return c.weight > d.weight
	case c.specific != d.specific && (c.specific == 2 || d.specific == 2):
		return c.specific > d.specific
	case c.format == def || d.format == def:
		return c.format == def
	}
	return c.position < d.position
}

// weigh returns the most specific range that fits f; ok is false if none does
// or if it says q=0.
func weigh(ranges []acceptRange, f format) (best candidate, ok bool) {
	best = candidate{format: f, acceptRange: acceptRange{specific: -1}}
	for _, r := range ranges {
		if r.fits(f) && r.specific > best.specific {
			best.acceptRange = r
		}
	}
	return best, best.specific >= 0 && best.weight > 0
}

// An acceptRange is one element of an Accept header.
type acceptRange struct {
	major, minor string
	weight       int // in thousandths
	specific     int // 0 for */*, 1 for text/*, 2 for text/plain
	position     int
}

func (r acceptRange) fits(f format) bool {
	if r.specific < 2 && formats[f].shy {
		return false
	}
	major, minor, _ := strings.Cut(formats[f].mediaType, "/")
	return (r.major == "*" || r.major == major) && (r.minor == "*" || r.minor == minor)
}

// maxRanges bounds the work that a header can make.
const maxRanges = 32

// parseAccept reads an Accept header. What it cannot read it leaves out.
func parseAccept(accept string) []acceptRange {
	var ranges []acceptRange
	for element := range strings.SplitSeq(accept, ",") {
		if len(ranges) == maxRanges {
			break
		}
		if r, ok := parseRange(element); ok {
			r.position = len(ranges)
			ranges = append(ranges, r)
		}
	}
	return ranges
}

func parseRange(s string) (acceptRange, bool) {
	media, params, _ := strings.Cut(s, ";")
	major, minor, ok := strings.Cut(strings.ToLower(strings.TrimSpace(media)), "/")
	if !ok || major == "" || minor == "" || major == "*" && minor != "*" {
		return acceptRange{}, false
	}
	r := acceptRange{major: major, minor: minor, weight: 1000}
	if minor != "*" {
		r.specific = 2
	} else if major != "*" {
		r.specific = 1
	}
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue // such as charset=utf-8, which all of our formats are
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return acceptRange{}, false
		}
		r.weight = int(q*1000 + 0.5)
		break
	}
	return r, true
}
