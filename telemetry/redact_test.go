package telemetry

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestFullURL(t *testing.T) {
	keys := secretKeys([]string{"pin"})
	for _, c := range []struct{ sentence, url, want string }{
		{"nothing to hide", "https://example.com/a%2Fb?x=1&y=%20#z", "https://example.com/a%2Fb?x=1&y=%20#z"},
		{"a user", "https://bob@example.com/", "https://REDACTED:REDACTED@example.com/"},
		{"a user and a password", "https://bob:pw@example.com/", "https://REDACTED:REDACTED@example.com/"},
		{"the conventions' keys, what stands beside them stays", "https://e.com/?a=%41&sig=x&b", "https://e.com/?a=%41&sig=REDACTED&b"},
		{"a key twice", "https://e.com/?sig=x&sig=y", "https://e.com/?sig=REDACTED&sig=REDACTED"},
		{"the user's key", "https://e.com/?pin=1", "https://e.com/?pin=REDACTED"},
		{"any case", "https://e.com/?x-amz-signature=1", "https://e.com/?x-amz-signature=REDACTED"},
		{"an encoded key", "https://e.com/?%73ig=1", "https://e.com/?%73ig=REDACTED"},
		{"a semicolon", "https://e.com/?a=1;sig=2", "https://e.com/?a=1;sig=REDACTED"},
		{"a value with =", "https://e.com/?sig=a=b&c", "https://e.com/?sig=REDACTED&c"},
		{"an empty value hides nothing", "https://e.com/?sig=&sig", "https://e.com/?sig=&sig"},
		{"a longer key is another key", "https://e.com/?design=1", "https://e.com/?design=1"},
		{"a path that must be escaped", "https://e.com/a%20b/%C3%A9?x=1", "https://e.com/a%20b/%C3%A9?x=1"},
		{"no path", "https://e.com", "https://e.com"},
		{"no path, but a query", "https://e.com?x=1", "https://e.com?x=1"},
		{"an empty query", "https://e.com/?", "https://e.com/?"},
		{"an empty fragment", "https://e.com/a#", "https://e.com/a"},
		{"a zone", "http://[fe80::1%25en0]:8080/", "http://[fe80::1%25en0]:8080/"},
		{"a fragment to escape", "https://e.com/#a%20b", "https://e.com/#a%20b"},
		{"a fragment that holds a token", "https://e.com/#access_token=x&state=1", "https://e.com/#access_token=REDACTED&state=1"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := keys.fullURL(u); got != c.want {
			t.Errorf("%s: %s, want %s", c.sentence, got, c.want)
		}
		if again, _ := url.Parse(c.url); !reflect.DeepEqual(u, again) {
			t.Errorf("%s: the URL was changed to %s", c.sentence, u)
		}
	}
}

func TestOpaqueURLs(t *testing.T) {
	for opaque, want := range map[string]string{
		"//bob:pw@host/p@th": "//REDACTED:REDACTED@host/p@th",
		"//host/p@th":        "//host/p@th",
		"mail@host":          "mail@host",
	} {
		if got := redactOpaque(opaque); got != want {
			t.Errorf("%s: %s, want %s", opaque, got, want)
		}
	}
}

// What has nothing to hide is shown as net/url shows it.
func FuzzFullURL(f *testing.F) {
	for _, s := range []string{"http://e.com", "http://e.com/a:b//c?d=%zz", "e.com/x", "http://e.com/a*b", "mailto:a@b", "http:///", "//e.com/~x", "http://e.com/."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse(s)
		if err != nil || u.User != nil || strings.ContainsAny(u.RawQuery+u.Fragment, "=") || strings.Contains(u.Opaque, "@") {
			return
		}
		if got := secretKeys(nil).fullURL(u); got != u.String() {
			t.Errorf("%q is shown as %q", u, got)
		}
	})
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{"", "a=1", "a=1;b", "%zz=1", "a&&b=&=c", "sig", "sig=1=2"} {
		f.Add(s, s)
	}
	const planted = "\x00planted\x00"
	f.Fuzz(func(t *testing.T, before, after string) {
		keys := secretKeys(nil)
		query := strings.ReplaceAll(before, planted, "") + "&sig=" + planted + "&" + strings.ReplaceAll(after, planted, "")
		if got := keys.redact(query); strings.Contains(got, planted) {
			t.Errorf("%q is shown as %q", query, got)
		}
		if once := keys.redact(query); keys.redact(once) != once {
			t.Errorf("%q changes when it is redacted again", once)
		}
	})
}

func TestPlaceOf(t *testing.T) {
	for _, c := range []struct {
		url, host string
		want      place
	}{
		{"http://example.com", "", place{"example.com", 80}},
		{"https://example.com", "", place{"example.com", 443}},
		{"https://example.com:8443", "", place{"example.com", 8443}},
		{"ftp://example.com", "", place{"example.com", 0}},
		{"http://[::1]", "", place{"::1", 80}},
		{"http://[::1]:8080", "", place{"::1", 8080}},
		{"http://127.0.0.1:8080", "example.com", place{"example.com", 80}},
		{"http://127.0.0.1:8080", "example.com:81", place{"example.com", 81}},
		{"http://a", "example.com:99999", place{"example.com", 80}},
		{"http://a", "example.com:", place{"example.com", 80}},
		{"http://a", ":", place{"", 80}},
		{"http://a", "]:[", place{"]", 80}},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		if got := placeOf(req); got != c.want {
			t.Errorf("%s with Host %q: %v, want %v", c.url, c.host, got, c.want)
		}
	}
}
