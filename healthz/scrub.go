package healthz

import (
	"net/url"
	"strings"
)

// scrub removes from a name that comes from outside (a circuit's key, an
// operation, a description) what may be secret in it: the userinfo, query and
// fragment of URLs, and what would break a line. A name is meant to hold
// neither, but names are made by programs.
func scrub(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r <= 0x9f || r == 0x2028 || r == 0x2029 {
			return -1
		}
		return r
	}, s)
	if strings.ContainsAny(s, "@?#") {
		words := strings.Split(s, " ")
		for i, w := range words {
			words[i] = bare(w)
		}
		s = strings.Join(words, " ")
	}
	return short(s)
}

// bare cuts userinfo, query and fragment off a URL, or what may be one. Where
// the three cannot be told apart, as in "http://user:p?w@host", nothing but
// the scheme is left.
func bare(w string) string {
	scheme, rest := "", w
	if cut := strings.Index(w, "://"); cut >= 0 {
		scheme, rest = w[:cut+len("://")], w[cut+len("://"):]
	}
	head, tail := rest, ""
	if cut := strings.IndexAny(rest, "?#"); cut >= 0 {
		head, tail = rest[:cut], rest[cut:]
	}
	if strings.Contains(tail, "@") && !strings.Contains(head, "/") {
		return scheme + "…"
	}
	return scheme + head[strings.LastIndexByte(head, '@')+1:]
}

// origin returns the scheme and host of a URL. The rest of it may be the
// secret, as in a webhook's.
func origin(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "…"
	}
	return short(u.Scheme + "://" + u.Host)
}

// short bounds the length of a name.
func short(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
