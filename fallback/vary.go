package fallback

import (
	"net/http"
	"slices"
	"strings"
)

// parseVary returns the header names that a Vary header lists, in lower case,
// sorted, each once, joined by commas: equal lists are equal strings. It
// reports false for a list that nothing can match: one with a *, and one that
// is not well-formed (RFC 9110, section 12.5.5).
func parseVary(lines []string) (string, bool) {
	if len(lines) == 0 {
		return "", true
	}
	var names []string
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.Trim(name, " \t")
			switch {
			case name == "":
				continue
			case strings.Contains(name, "*"), tokenEnd(name) != len(name):
				return "", false
			}
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ","), true
}

// specOf returns the normal form of a response's Vary. An answer whose content
// was coded, be it decoded again by the transport, depends on Accept-Encoding
// whether it says so or not: who did not ask for the coding cannot read it.
func specOf(h http.Header, uncompressed bool) (string, bool) {
	lines := valuesOf(h, "Vary")
	if uncompressed || h["Content-Encoding"] != nil {
		lines = append(slices.Clip(lines), "Accept-Encoding")
	}
	return parseVary(lines)
}

// deleteAll deletes a header in whatever spellings its name is there.
func deleteAll(h http.Header, name string) {
	for n := range h {
		if strings.EqualFold(n, name) {
			delete(h, n)
		}
	}
}

// valuesOf returns the values of a header in whatever spellings its name is
// there. Only what comes from net/http is sure to be in the canonical one.
func valuesOf(h http.Header, name string) []string {
	values := h[name]
	for n, v := range h {
		if len(n) == len(name) && n != name && strings.EqualFold(n, name) {
			values = append(slices.Clip(values), v...)
		}
	}
	return values
}
