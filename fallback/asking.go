package fallback

import (
	"net/http"
	"strings"
)

// asking is a request with what it says to caches: how it may be answered, and
// who asks.
type asking struct {
	*http.Request
	control

	body        bool // it has one
	special     bool // it asks for what only the service can give
	conditional bool // it has a condition of its own that a cache can answer

	credentials []field // in the order of their names
	signs       []field // likewise
	partition   string  // what Cache.Partition says
	post        string  // what Cache.PostKey says, where it was asked
}

// read reads a request, its header in one pass: a stored response is to be
// found in less time than as many lookups take. A name means the same in
// whatever spelling it goes out.
func (c *core) read(req *http.Request) asking {
	a := asking{Request: req, control: noControl, body: hasBody(req)}
	var lines, pragma []string
	for name, values := range req.Header {
		switch len(name) {
		case len("Range"):
			a.special = a.special || strings.EqualFold(name, "Range")
		case len("Upgrade"):
			a.special = a.special || strings.EqualFold(name, "Upgrade")
		case len("Pragma"):
			if strings.EqualFold(name, "Pragma") {
				pragma = values
			}
		case len("If-Match"): // and If-Range
			a.special = a.special || strings.EqualFold(name, "If-Match") || strings.EqualFold(name, "If-Range")
		case len("Cache-Control"): // and If-None-Match
			if strings.EqualFold(name, "Cache-Control") {
				lines = append(lines, values...)
			}
			a.conditional = a.conditional || strings.EqualFold(name, "If-None-Match")
		case len("If-Modified-Since"):
			a.conditional = a.conditional || strings.EqualFold(name, "If-Modified-Since")
		case len("If-Unmodified-Since"):
			a.special = a.special || strings.EqualFold(name, "If-Unmodified-Since")
		}
		switch {
		case !c.telling.has(name) && !looksSecret(name): // as most are
		case !c.SingleUser && c.credentials.has(name):
			a.credentials = append(a.credentials, field{name, values})
		case c.isSign(name):
			a.signs = append(a.signs, field{name, values})
		}
	}
	sortFields(a.credentials)
	sortFields(a.signs)
	if lines != nil || pragma != nil {
		a.control = requestControl(lines, pragma)
	}
	if c.Partition != nil {
		a.partition = c.Partition(req)
	}
	return a
}

// cachable says whether a stored response could be an answer at all.
func (a *asking) cachable() bool { return a.plain() && isRead(a.Method) && !a.body }

// plain says whether a asks for a whole representation, from anywhere.
func (a *asking) plain() bool { return !a.special && !a.noStore }

// anonymous says whether nothing tells the one who asks from others.
func (a *asking) anonymous() bool {
	return len(a.credentials) == 0 && a.partition == "" && (a.URL == nil || a.URL.User == nil)
}
