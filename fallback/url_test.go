package fallback_test

import (
	"testing"

	"github.com/safetrip-go/safetrip/fallback"
)

// TestWhichURLsAreOne asks by one URL, and then by another: RFC 9111, section
// 2, and RFC 9110, section 4.2.3. What a service may tell apart we do.
func TestWhichURLsAreOne(t *testing.T) {
	for _, row := range []struct {
		does, one, two string
		same           bool
	}{
		{"the same", "http://example.com/a?b=c", "http://example.com/a?b=c", true},
		{"a fragment is not sent", "http://example.com/a", "http://example.com/a#b", true},
		{"the scheme's own port", "http://example.com/a", "http://example.com:80/a", true},
		{"hosts in any case", "http://example.com/a", "http://EXAMPLE.com/a", true},
		{"no path is the root", "http://example.com", "http://example.com/", true},
		{"another scheme", "http://example.com/a", "https://example.com/a", false},
		{"another port", "http://example.com/a", "http://example.com:443/a", false},
		{"another host", "http://example.com/a", "http://example.com./a", false},
		{"a path in another case", "http://example.com/a", "http://example.com/A", false},
		{"a slash at the end", "http://example.com/a", "http://example.com/a/", false},
		{"two slashes", "http://example.com/a", "http://example.com//a", false},
		{"a slash that is none", "http://example.com/a/b", "http://example.com/a%2Fb", false},
		{"a letter that is written otherwise", "http://example.com/a", "http://example.com/%61", false},
		{"the order of a query", "http://example.com/?a=1&b=2", "http://example.com/?b=2&a=1", false},
		{"an empty query", "http://example.com/", "http://example.com/?", false},
		{"where a path ends and a query begins", "http://example.com/a?b", "http://example.com/a%3Fb", false},
		{"a user", "http://example.com/a", "http://alice@example.com/a", false},
		{"an empty password", "http://alice@example.com/a", "http://alice:@example.com/a", false},
	} {
		o := new(origin)
		rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
		o.says(200, "Cache-Control: max-age=60", "one")
		get(t, rt, row.one, "")
		o.says(200, "", "two")
		if _, body := get(t, rt, row.two, ""); (body == "one") != row.same {
			t.Errorf("%s: %s was answered as %s: %q", row.does, row.two, row.one, body)
		}
	}
}
