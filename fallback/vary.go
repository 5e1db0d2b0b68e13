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

// valuesOf returns the values of a header whatever spelling its name has. The
// canonical one is the usual one; others are sought only if told to, because
// that takes a walk over all of them.
func valuesOf(h http.Header, canonical string) []string {
	if v, ok := h[canonical]; ok {
		return v
	}
	for name, v := range h {
		if len(name) == len(canonical) && strings.EqualFold(name, canonical) {
			return v
		}
	}
	return nil
}
