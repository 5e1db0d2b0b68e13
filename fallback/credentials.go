package fallback

import (
	"cmp"
	"iter"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// usualCredentials are the headers in which credentials travel.
var usualCredentials = []string{
	"authorization", "proxy-authorization", "cookie",
	"x-api-key", "api-key", "x-goog-api-key",
	"x-auth-token", "x-access-token", "private-token", "x-vault-token",
	"x-amz-security-token", "ocp-apim-subscription-key", "x-functions-key", "dpop",
}

// A nameSet is a set of header names. Names are matched without regard to case,
// since a header may be sent in a spelling that is not the canonical one and
// mean the same to the server.
type nameSet struct {
	names [64][]string // in lower case, by their length; longer ones are in the last
	first [256]bool    // the bytes that names begin with, in either case
}

func credentialNames(further []string) nameSet {
	return namesOf(slices.Concat(usualCredentials, further)...)
}

func namesOf(names ...string) nameSet {
	var s nameSet
	for _, name := range names {
		name = strings.ToLower(textproto.TrimString(name))
		if of := &s.names[min(len(name), len(s.names)-1)]; name != "" && !slices.Contains(*of, name) {
			*of = append(*of, name)
			s.first[name[0]], s.first[strings.ToUpper(name[:1])[0]] = true, true
		}
	}
	return s
}

func union(sets ...nameSet) nameSet {
	var names []string
	for _, s := range sets {
		names = slices.AppendSeq(names, s.all())
	}
	return namesOf(names...)
}

// has reports whether name is one of the set.
func (s *nameSet) has(name string) bool {
	if name == "" || !s.first[name[0]] { // most headers go no further
		return false
	}
	for _, n := range s.names[min(len(name), len(s.names)-1)] {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func (s *nameSet) all() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, names := range s.names {
			for _, n := range names {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// A field is one header.
type field struct {
	name   string
	values []string
}

func sortFields(f []field) {
	if len(f) > 1 {
		slices.SortFunc(f, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	}
}

// sameUser reports whether two requests say the same of who asks: in their
// headers, in their URL's user, and in its query, where keys are put too.
func (c *core) sameUser(a, b *http.Request) bool {
	equal := func(x, y field) bool { return x.name == y.name && slices.Equal(x.values, y.values) }
	if !slices.EqualFunc(c.saysWho(a.Header), c.saysWho(b.Header), equal) {
		return false
	}
	if a.URL == b.URL || a.URL == nil || b.URL == nil {
		return true
	}
	return a.URL.RawQuery == b.URL.RawQuery && a.URL.User.String() == b.URL.User.String()
}

// saysWho returns the headers of h that say who asks, in an order that depends
// on their names alone.
func (c *core) saysWho(h http.Header) (found []field) {
	for name, values := range h {
		if c.credentials.has(name) || persons.has(name) || looksSecret(name) {
			found = append(found, field{name, values})
		}
	}
	sortFields(found)
	return found
}
