package fallback

import (
	"cmp"
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

// credentials is a set of header names. Names are matched without regard to
// case, since a header may be sent in a spelling that is not the canonical one
// and mean the same to the server.
type credentials struct {
	names [64][]string // in lower case, by their length; longer ones are in the last
}

func credentialNames(further []string) credentials {
	var c credentials
	for _, name := range slices.Concat(usualCredentials, further) {
		name = strings.ToLower(textproto.TrimString(name))
		if of := &c.names[min(len(name), len(c.names)-1)]; name != "" && !slices.Contains(*of, name) {
			*of = append(*of, name)
		}
	}
	return c
}

// has reports whether name is one of the set.
func (c *credentials) has(name string) bool {
	for _, n := range c.names[min(len(name), len(c.names)-1)] {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// of returns the credential headers of h in an order that depends on their
// names alone.
func (c *credentials) of(h http.Header) (found []field) {
	for name, values := range h {
		if c.has(name) {
			found = append(found, field{name, values})
		}
	}
	sortFields(found)
	return found
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

// same reports whether two requests carry the same credentials in their
// headers.
func (c *credentials) same(a, b *http.Request) bool {
	equal := func(x, y field) bool { return x.name == y.name && slices.Equal(x.values, y.values) }
	return slices.EqualFunc(c.of(a.Header), c.of(b.Header), equal)
}

func (c *credentials) removeFrom(h http.Header) {
	for name := range h {
		if c.has(name) {
			delete(h, name)
		}
	}
}
