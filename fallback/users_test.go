package fallback_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// ways are how a request says whose it is.
var ways = map[string]func(req *http.Request, who string){
	"Authorization":                   named("Authorization"),
	"authorization":                   named("authorization"),
	"AUTHORIZATION":                   named("AUTHORIZATION"),
	"Proxy-Authorization":             named("Proxy-Authorization"),
	"Cookie":                          named("Cookie"),
	"cookie":                          named("cookie"),
	"X-Api-Key":                       named("X-Api-Key"),
	"x-api-key":                       named("x-api-key"),
	"Api-Key":                         named("Api-Key"),
	"x-goog-api-key":                  named("x-goog-api-key"),
	"X-Auth-Token":                    named("X-Auth-Token"),
	"Private-Token":                   named("Private-Token"),
	"X-Tenant, which the user named":  named("X-Tenant"),
	"x-tenant, which the user named":  named("x-tenant"),
	"X-Auth-Key, which looks like it": named("X-Auth-Key"),
	"APIKEY, which looks like it":     named("APIKEY"),
	"a token nobody told us of":       named("X-Acme-Token"),
	"a user, on a proxy's word":       named("X-Forwarded-User"),
	"a user's number":                 named("x-user-id"),
	"a tenant's number":               named("X-Tenant-Id"),
	"the host that a proxy was asked": named("X-Forwarded-Host"),
	"the same, as RFC 7239 has it":    named("Forwarded"),
	"the URL that a proxy was asked":  named("X-Original-Url"),
	"another method than GET":         named("X-HTTP-Method-Override"),
	"the user of a URL":               func(req *http.Request, who string) { req.URL.User = url.User(who) },
	"the password of a URL":           func(req *http.Request, who string) { req.URL.User = url.UserPassword("user", who) },
	"a query":                         func(req *http.Request, who string) { req.URL.RawQuery = "key=" + who },
	"a path":                          func(req *http.Request, who string) { req.URL.Path = "/" + who },
	"Host":                            func(req *http.Request, who string) { req.Host = who + ".example.com" },
	"a header that Vary names":        named("X-Vary"),
	"one in a spelling of its own":    named("x-vary"),
	"two cookie lines": func(req *http.Request, who string) {
		req.Header["Cookie"] = []string{"session=x", "user=" + who}
	},
	"a canonical name beside another": func(req *http.Request, who string) {
		req.Header["Authorization"] = []string{"same"}
		req.Header["authorization"] = []string{who}
	},
	"the context, by Partition": func(req *http.Request, who string) {
		*req = *req.WithContext(context.WithValue(req.Context(), whoKey{}, who))
	},
}

// anonymous are those that name a resource, or that do not prove who asks:
// nothing private is kept for them.
var anonymous = map[string]bool{
	"a query": true, "a path": true, "Host": true, "a header that Vary names": true, "one in a spelling of its own": true,
	"X-Auth-Key, which looks like it": true, "APIKEY, which looks like it": true, "a token nobody told us of": true,
	"a user, on a proxy's word": true, "a user's number": true, "a tenant's number": true, "the host that a proxy was asked": true,
	"the same, as RFC 7239 has it": true, "the URL that a proxy was asked": true, "another method than GET": true,
}

type whoKey struct{}

func named(name string) func(*http.Request, string) {
	return func(req *http.Request, who string) { req.Header[name] = []string{who} }
}

func userCache(fresh bool) *fallback.Cache {
	return &fallback.Cache{
		ServeFresh: fresh, Coalesce: fresh, PostKey: fallback.BodyKey, Credentials: []string{"X-Tenant"},
		Partition: func(req *http.Request) string {
			who, _ := req.Context().Value(whoKey{}).(string)
			return who
		},
	}
}

// TestNobodyGetsAnothersAnswer lets Alice fill the cache, lets the service fail
// in several ways, and lets Bob ask, who must never get what was Alice's; and
// Alice, who gets her own.
func TestNobodyGetsAnothersAnswer(t *testing.T) {
	answers := []string{
		"", "Cache-Control: max-age=600", "Cache-Control: public, max-age=600", "Cache-Control: private, max-age=600",
		"Cache-Control: public, s-maxage=600, stale-if-error=600", "Vary: Authorization", "Vary: Cookie|Cache-Control: max-age=600",
	}
	failures := map[string]func(*origin){
		"503":             func(o *origin) { o.says(503, "", "down") },
		"503 with Vary":   func(o *origin) { o.says(503, "Vary: Authorization", "down") },
		"401":             func(o *origin) { o.says(401, "", "who are you") },
		"304":             func(o *origin) { o.says(304, "", "") },
		"connection lost": func(o *origin) { o.dies() },
	}
	for way, be := range ways {
		for _, fresh := range []bool{false, true} {
			for how, fails := range failures {
				t.Run(fmt.Sprintf("%s/fresh=%v/%s", way, fresh, how), func(t *testing.T) {
					for _, answer := range answers {
						s := newStack(userCache(fresh))
						ask := func(who string) string {
							req := request(t, "GET", "http://example.com/", "")
							be(req, who)
							_, body := do(t, s, req)
							return body
						}
						s.says(200, answer+"|Vary: X-Vary", "for alice")
						ask("alice")
						fails(s.origin)
						if body := ask("bob"); body == "for alice" {
							t.Fatalf("%q: Bob got Alice's answer", answer)
						}
						if body := ask("alice"); (how == "503" || how == "connection lost") && body != "for alice" && !(strings.Contains(answer, "private") && anonymous[way]) {
							t.Errorf("%q: Alice got %q", answer, body)
						}
						if body := ask(""); body == "for alice" {
							t.Fatalf("%q: somebody got Alice's answer", answer)
						}
					}
				})
			}
		}
	}
}

func TestCredentialsThatAreAddedFurtherIn(t *testing.T) {
	// A layer below adds the token of whoever is in the context. The cache sees
	// no credentials; it sees that the service was told more than it was.
	for _, way := range []string{"Authorization", "X-Acme-Token", "a user's number", "the user of a URL", "a query"} {
		for _, row := range []struct {
			does      string
			partition func(*http.Request) string
			calls     int
		}{
			{"nobody knows for whom", nil, 4},
			{"Partition knows", userCache(true).Partition, 2},
			{"Partition does not know", func(*http.Request) string { return "" }, 4},
		} {
			o := new(origin)
			be, known := ways[way]
			if !known {
				be = named(way)
			}
			adds := func(next http.RoundTripper) http.RoundTripper {
				return transport.Func(func(req *http.Request) (*http.Response, error) {
					out := req.Clone(req.Context())
					who, _ := req.Context().Value(whoKey{}).(string)
					be(out, who)
					return next.RoundTrip(out)
				})
			}
			rt := transport.Chain(o, (&fallback.Cache{ServeFresh: true, Partition: row.partition}).Wrap, adds)
			for range 2 {
				for _, who := range []string{"alice", "bob"} {
					o.says(200, "Cache-Control: max-age=60", "for "+who)
					req := request(t, "GET", "http://example.com/", "")
					resp, err := rt.RoundTrip(req.WithContext(context.WithValue(req.Context(), whoKey{}, who)))
					if err != nil {
						t.Fatal(err)
					}
					if body, _ := io.ReadAll(resp.Body); string(body) != "for "+who {
						t.Errorf("%s, %s: %s got %q", way, row.does, who, body)
					}
				}
			}
			if o.calls() != row.calls {
				t.Errorf("%s, %s: %d calls, want %d", way, row.does, o.calls(), row.calls)
			}
		}
	}
}

func TestA304ForAnotherChangesNothing(t *testing.T) {
	// What Alice got anonymously, Bob asks about with a token that is added
	// further in. It has not changed; what else the 304 says is for Bob.
	o := new(origin)
	token := ""
	adds := func(next http.RoundTripper) http.RoundTripper {
		return transport.Func(func(req *http.Request) (*http.Response, error) {
			out := req.Clone(req.Context())
			if token != "" {
				out.Header.Set("Authorization", token)
			}
			return next.RoundTrip(out)
		})
	}
	rt := transport.Chain(o, (&fallback.Cache{ServeFresh: true}).Wrap, adds)
	ask := func(method string) *http.Response {
		resp, err := rt.RoundTrip(request(t, method, "http://example.com/", ""))
		if err != nil {
			t.Fatal(err)
		}
		toEnd(resp.Body)
		resp.Body.Close()
		return resp
	}
	o.says(200, `Etag: "v"|Content-Length: 4`, "good")
	ask("GET")
	token = "bob"
	o.says(304, `Etag: "v"|X-For: bob|Cache-Control: max-age=60`, "")
	if got := ask("GET").Header.Get("X-For"); got != "bob" {
		t.Errorf("Bob's answer has X-For: %q", got)
	}
	o.says(200, `Etag: "v"|X-For: bob|Cache-Control: max-age=60|Content-Length: 4`, "good")
	ask("HEAD")
	token = ""
	o.says(304, `Etag: "v"`, "")
	if got := ask("GET").Header.Get("X-For"); got != "" || o.calls() != 4 {
		t.Errorf("after %d calls Alice's has X-For: %q", o.calls(), got)
	}
}

func TestAnIdempotencyKeyTellsNobodyApart(t *testing.T) {
	s := newStack(nil)
	s.says(200, "", "good")
	get(t, s, "http://example.com/", "Idempotency-Key: 1")
	s.dies()
	if _, body := get(t, s, "http://example.com/", "Idempotency-Key: 2"); body != "good" {
		t.Errorf("got %q", body)
	}
}

// TestCachesThatTellUsersApartDifferently lets two programs share a store of
// which one does not know what the other does of who is who.
func TestCachesThatTellUsersApartDifferently(t *testing.T) {
	memory := fallback.NewMemory(0)
	with := func(change func(*fallback.Cache)) *stack {
		c := &fallback.Cache{Store: memory, Secret: secret, ServeFresh: true}
		change(c)
		return newStack(c)
	}
	plain := with(func(*fallback.Cache) {})
	plain.says(200, "Cache-Control: max-age=60", "good")
	get(t, plain, "http://example.com/", "")
	for does, change := range map[string]func(*fallback.Cache){
		"SingleUser":  func(c *fallback.Cache) { c.SingleUser = true },
		"Credentials": func(c *fallback.Cache) { c.Credentials = []string{"X-Mine"} },
		"Partition":   func(c *fallback.Cache) { c.Partition = func(*http.Request) string { return "" } },
		"Namespace":   func(c *fallback.Cache) { c.Namespace = "other" },
	} {
		s := with(change)
		s.says(200, "", "new")
		if _, body := get(t, s, "http://example.com/", ""); body != "new" {
			t.Errorf("one with another %s took what it found: %q", does, body)
		}
	}
	same := with(func(c *fallback.Cache) { c.Credentials = []string{"authorization"} })
	same.dies()
	if _, body := get(t, same, "http://example.com/", ""); body != "good" {
		t.Errorf("one that is no different: %q", body)
	}
}

func TestSingleUserIsOneUser(t *testing.T) {
	s := newStack(&fallback.Cache{SingleUser: true, ServeFresh: true})
	s.says(200, "Cache-Control: private, max-age=60", "mine")
	get(t, s, "http://example.com/", "Authorization: old token")
	if _, body := get(t, s, "http://example.com/", "Authorization: new token|X-Acme-Token: t|X-User-Id: u"); body != "mine" || s.calls() != 1 {
		t.Errorf("got %q after %d calls", body, s.calls())
	}
	s.says(200, "", "another host's")
	if _, body := get(t, s, "http://example.com/", "X-Forwarded-Host: evil.example"); body != "another host's" {
		t.Errorf("for another host: %q", body)
	}
}

// secrets are what must not be readable in a store, beside what it holds.
func TestKeysTellNothing(t *testing.T) {
	store := &spyStore{Memory: fallback.NewMemory(0)}
	s := newStack(&fallback.Cache{Store: store, Namespace: "billing", Secret: secret})
	s.says(200, "", "good")
	req := request(t, "GET", "http://alice:hunter2@example.com/path?token=tok123", "Authorization: Bearer abc123|Cookie: session=xyz")
	do(t, s, req)
	s.cache.Close()
	if len(store.keys()) != 2 {
		t.Fatalf("keys: %q", store.keys())
	}
	for _, k := range store.keys() {
		for _, s := range []string{"alice", "hunter2", "tok123", "abc123", "xyz", "path", "example"} {
			plain := sha256.Sum256([]byte(s))
			if strings.Contains(k, s) || strings.Contains(k, hex.EncodeToString(plain[:4])) {
				t.Errorf("the key %q tells %q", k, s)
			}
		}
		if !strings.HasPrefix(k, "safetrip:billing:") {
			t.Errorf("the key %q is not in its namespace", k)
		}
	}
}

// FuzzNobodyGetsAnothersAnswer makes two requests of bytes, and an answer with
// a Vary of bytes. Where the requests differ in a way that tells users apart,
// the second must not get the first's answer.
func FuzzNobodyGetsAnothersAnswer(f *testing.F) {
	f.Add("Authorization", "alice", "Authorization", "bob", "Authorization", "/", "/")
	f.Add("Cookie", "a", "Cookie", "", "", "/a", "/a")
	f.Add("cookie", "a", "Cookie", "a", "", "/a?b", "/a?c")
	f.Add("X-Api-Key", "ab", "X-Api-Key", "a", "X-A,X-B", "/a", "/ab")
	f.Add("X-A", "1", "X-B", "1", "x-a", "/", "/")
	f.Add("X-Acme-Token", "1", "x-acme-token", "2", "", "/", "/")
	f.Add("X-Forwarded-Host", "evil", "", "", "", "/", "/")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2, vary, path1, path2 string) {
		build := func(name, value, path string) *http.Request {
			req := request(t, "GET", "http://example.com/", "")
			u, err := url.Parse("http://example.com/" + path)
			if err != nil || name == "Cache-Control" || name == "Pragma" {
				t.Skip()
			}
			req.URL, u.Fragment, u.RawFragment = u, "", "" // a fragment is not sent
			req.Header[name] = []string{value}
			return req
		}
		one, two := build(name1, value1, path1), build(name2, value2, path2)
		s := newStack(nil)
		s.does(func(req *http.Request) (*http.Response, error) {
			resp := response(req, 200, "", "for one")
			resp.Header["Vary"] = []string{vary}
			return resp, nil
		})
		do(t, s, one)
		s.says(503, "", "down")
		_, body := do(t, s, two)
		if body == "for one" && differ(one, two, vary) {
			t.Errorf("%v got what was for %v, Vary: %q", two, one, vary)
		}
	})
}

func differ(a, b *http.Request, vary string) bool {
	if a.URL.String() != b.URL.String() {
		return true
	}
	names := append(strings.Split(vary, ","), "Authorization", "Cookie", "X-Api-Key", "Proxy-Authorization", "Api-Key", "X-Goog-Api-Key",
		"X-Forwarded-Host", "X-Forwarded-Proto", "X-Original-Url", "X-User-Id", "X-Tenant-Id")
	for _, h := range []http.Header{a.Header, b.Header} {
		for name := range h {
			if low := strings.ToLower(name); strings.HasSuffix(low, "-token") || strings.HasSuffix(low, "-secret") || strings.HasSuffix(low, "-jwt") {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		if name = strings.Trim(name, " \t"); name == "" {
			continue
		}
		if name == "*" || !slices.Equal(folded(a.Header, name), folded(b.Header, name)) {
			return true
		}
	}
	return false
}

func folded(h http.Header, name string) []string {
	var all []string
	for n, values := range h {
		if strings.EqualFold(n, name) {
			for _, v := range values {
				all = append(all, strings.Trim(v, " \t\r\n"))
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestALayerThatCopiesTheRequestDoesNoHarm(t *testing.T) {
	o := new(origin)
	copies := func(next http.RoundTripper) http.RoundTripper {
		return transport.Func(func(req *http.Request) (*http.Response, error) {
			out := req.Clone(req.Context())
			out.Header.Set("Traceparent", "00-1-1-00")
			return next.RoundTrip(out)
		})
	}
	rt := transport.Chain(o, (&fallback.Cache{ServeFresh: true}).Wrap, copies)
	o.says(200, "Cache-Control: max-age=60", "mine")
	for range 2 {
		resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com/", "Authorization: a|Cookie: b"))
		if err != nil {
			t.Fatal(err)
		}
		toEnd(resp.Body)
		resp.Body.Close()
	}
	if o.calls() != 1 {
		t.Errorf("%d calls", o.calls())
	}
}
