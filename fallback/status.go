package fallback

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ourName is how the kit calls itself in Cache-Status: RFC 9211.
const ourName = "safetrip"

// Why a request went on to the service, in the words of RFC 9211, section 2.2.
const (
	fwdStale  = "stale"  // what was stored was not fresh
	fwdBypass = "bypass" // the cache is not there for fresh answers
	fwdMiss   = "miss"   // nothing that was stored would do
)

// facts are what Cache-Status says of an answer.
type facts struct {
	why       string // "" for a hit
	status    int    // what the service answered, 0 if nothing
	ttl       int64  // seconds of freshness left, negative if it is over
	collapsed bool   // another request went out in this one's place
	step      string // of the ladder
}

// String returns a member of the list.
func (f facts) String() string {
	b := make([]byte, 0, 64)
	b = append(b, ourName...)
	if f.why == "" {
		b = append(b, "; hit"...)
	} else {
		b = append(b, "; fwd="...)
		b = append(b, f.why...)
	}
	if f.status != 0 {
		b = append(b, "; fwd-status="...)
		b = strconv.AppendInt(b, int64(f.status), 10)
	}
	if f.collapsed {
		b = append(b, "; collapsed"...)
	}
	if f.why != fwdMiss {
		b = append(b, "; ttl="...)
		b = strconv.AppendInt(b, f.ttl, 10)
	}
	if f.step != "" {
		b = append(b, "; detail="...)
		b = appendItem(b, f.step)
	}
	return string(b)
}

// appendItem appends s as a token if it is one, and otherwise as a string, of
// which only ASCII can be written: RFC 9651, section 3.3.
func appendItem(b []byte, s string) []byte {
	if tokenEnd(s) == len(s) && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z') {
		return append(b, s...)
	}
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= ' ' && r <= '~':
			b = append(b, byte(r))
		default:
			b = append(b, '?')
		}
	}
	return append(b, '"')
}

// theirName is what members of the list are renamed to that call themselves
// what we do and are not ours: a service's, or another program's that uses the
// kit.
const theirName = "upstream-" + ourName

// disown sees to it that nobody else speaks in our name on resp.
func disown(resp *http.Response) {
	if resp.Header["Cache-Status"] != nil {
		resp.Header = withoutOurName(resp.Header)
	}
}

// withoutOurName returns h, or a copy of it in which nobody speaks in our name.
// A list that cannot be read is left out if our name is anywhere in it.
func withoutOurName(h http.Header) http.Header {
	lines := h["Cache-Status"]
	if !slices.ContainsFunc(lines, mentionsUs) {
		return h
	}
	c := maps.Clone(h)
	delete(c, "Cache-Status")
	members, ok := splitMembers(lines)
	for i := range members {
		renamed, readable := rename(members[i])
		members[i], ok = renamed, ok && readable
	}
	if ok {
		c["Cache-Status"] = []string{strings.Join(members, ", ")}
	}
	return c
}

func mentionsUs(line string) bool { return strings.Contains(strings.ToLower(line), ourName) }

// rename gives a member another name if it has ours, be it as a token or as a
// string. It reports false if it cannot tell.
func rename(member string) (string, bool) {
	name, params, more := strings.Cut(member, ";")
	name = strings.TrimRight(name, " \t")
	bare, rest, ok := cutValue(name)
	switch {
	case !ok || rest != "" || strings.Contains(bare, `\`):
		return member, !mentionsUs(member)
	case !strings.EqualFold(bare, ourName):
		return member, true
	case more:
		return theirName + ";" + params, true
	}
	return theirName, true
}

// splitMembers splits the lines of a list into its members, which may have
// commas in strings. It reports false if a string does not end.
func splitMembers(lines []string) ([]string, bool) {
	var members []string
	for _, line := range lines {
		from, quoted := 0, false
		for i := 0; i < len(line); i++ {
			switch b := line[i]; {
			case quoted && b == '\\':
				i++
			case b == '"':
				quoted = !quoted
			case b == ',' && !quoted:
				members = appendMember(members, line[from:i])
				from = i + 1
			}
		}
		if quoted {
			return nil, false
		}
		members = appendMember(members, line[from:])
	}
	return members, true
}

func appendMember(members []string, m string) []string {
	if m = strings.Trim(m, " \t"); m != "" {
		members = append(members, m)
	}
	return members
}
