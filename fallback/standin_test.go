package fallback_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// Each row stores one answer, lets the service die, and asks again: whether the
// stored answer stands in.
var standsIn = []struct {
	does, clause string
	answer       string // header of the first answer
	first        string // header of the first request
	wait         time.Duration
	again        string // header of the second request
	want         bool
}{
	{"a service that says nothing of caching: within an hour", "TTL", "", "", 59 * time.Minute, "", true},
	{"and no longer", "TTL", "", "", time.Hour, "", false},
	{"a fresh answer, however old", "RFC 9111, 4.2", "Cache-Control: max-age=86400", "", 23 * time.Hour, "", true},
	{"a stale one within an hour of being stored", "TTL", "Cache-Control: max-age=60", "", 59 * time.Minute, "", true},
	{"stale-if-error, in its time", "RFC 5861, 4", "Cache-Control: max-age=60, stale-if-error=7200", "", 2 * time.Hour, "", true},
	{"stale-if-error is a limit too", "RFC 5861, 4", "Cache-Control: max-age=60, stale-if-error=10", "", 71 * time.Second, "", false},
	{"stale-if-error=0", "RFC 5861, 4", "Cache-Control: max-age=60, stale-if-error=0", "", 61 * time.Second, "", false},
	{"stale-if-error without a lifetime", "RFC 5861, 4", "Cache-Control: stale-if-error=7200", "", 119 * time.Minute, "", true},
	{"must-revalidate", "RFC 9111, 5.2.2.2", "Cache-Control: max-age=60, must-revalidate", "", 61 * time.Second, "", false},
	{"must-revalidate beats stale-if-error", "RFC 9111, 4.2.4", "Cache-Control: max-age=60, must-revalidate, stale-if-error=600", "", 61 * time.Second, "", false},
	{"must-revalidate, still fresh", "RFC 9111, 5.2.2.2", "Cache-Control: max-age=60, must-revalidate", "", 59 * time.Second, "", true},
	{"proxy-revalidate", "RFC 9111, 5.2.2.8", "Cache-Control: max-age=60, proxy-revalidate", "", 61 * time.Second, "", false},
	{"s-maxage", "RFC 9111, 5.2.2.10", "Cache-Control: s-maxage=60", "", 61 * time.Second, "", false},
	{"no-cache", "RFC 9111, 5.2.2.4", `Cache-Control: no-cache|Etag: "v"`, "", time.Second, "", false},
	{"no-store", "RFC 9111, 5.2.2.5", "Cache-Control: no-store", "", time.Second, "", false},
	{"private, and nobody knows whose", "RFC 9111, 5.2.2.7", "Cache-Control: private", "", time.Second, "", false},
	{"private, for its owner", "RFC 9111, 5.2.2.7", "Cache-Control: private", "Cookie: a", time.Second, "Cookie: a", true},
	{"private, for somebody else", "RFC 9111, 5.2.2.7", "Cache-Control: private", "Cookie: a", time.Second, "Cookie: b", false},
	{"private, for nobody", "RFC 9111, 5.2.2.7", "Cache-Control: private", "Cookie: a", time.Second, "", false},
	{"an answer that sets a cookie for one who had none", "safetrip", "Set-Cookie: a=b", "", time.Second, "", false},
	{"unless it speaks of caching", "safetrip", "Set-Cookie: a=b|Cache-Control: max-age=1", "", 2 * time.Second, "", true},
	{"Vary: the same value", "RFC 9111, 4.1", "Vary: Accept-Language", "Accept-Language: de", time.Second, "Accept-Language: de", true},
	{"Vary: another value", "RFC 9111, 4.1", "Vary: Accept-Language", "Accept-Language: de", time.Second, "Accept-Language: fr", false},
	{"Vary: *", "RFC 9111, 4.1", "Vary: *", "", time.Second, "", false},
	{"the request says no-cache", "RFC 9111, 5.2.1.4", "", "", time.Second, "Cache-Control: no-cache", false},
	{"the request says Pragma: no-cache", "RFC 9111, 5.4", "", "", time.Second, "Pragma: no-cache", false},
	{"the request says no-store", "RFC 9111, 5.2.1.5", "", "", time.Second, "Cache-Control: no-store", false},
	{"the request says max-age and the answer is older", "RFC 9111, 5.2.1.1", "Cache-Control: max-age=600", "", 11 * time.Second, "Cache-Control: max-age=10", false},
	{"the request says max-age and the answer is stale", "RFC 9111, 5.2.1.1", "Cache-Control: max-age=1", "", 5 * time.Second, "Cache-Control: max-age=10", false},
	{"the request says max-age and the answer is fresh", "RFC 9111, 5.2.1.1", "Cache-Control: max-age=60", "", 5 * time.Second, "Cache-Control: max-age=10", true},
	{"the request says min-fresh", "RFC 9111, 5.2.1.3", "Cache-Control: max-age=60", "", 55 * time.Second, "Cache-Control: min-fresh=10", false},
	{"the request says max-stale, and it is more so", "RFC 9111, 5.2.1.2", "Cache-Control: max-age=60", "", 80 * time.Second, "Cache-Control: max-stale=10", false},
	{"the request says max-stale, and it is less so", "RFC 9111, 5.2.1.2", "Cache-Control: max-age=60", "", 65 * time.Second, "Cache-Control: max-stale=10", true},
	{"the request says stale-if-error", "RFC 5861, 4", "Cache-Control: max-age=60", "", 65 * time.Second, "Cache-Control: stale-if-error=10", true},
	{"the request's stale-if-error is passed", "RFC 5861, 4", "Cache-Control: max-age=60", "", 80 * time.Second, "Cache-Control: stale-if-error=10", false},
	{"a part is asked for", "RFC 9111, 3.3", "", "", time.Second, "Range: bytes=0-1", false},
	{"If-Match", "RFC 9111, 4.3.2", "", "", time.Second, `If-Match: "v"`, false},
	{"a request may have no opinion", "safetrip", "", "", time.Second, "Cache-Control: no-transform", true},
}

func TestStandingIn(t *testing.T) {
	deaths := map[string]func(*origin){
		"503":   func(o *origin) { o.says(503, "", "down") },
		"error": func(o *origin) { o.dies() },
	}
	for how, dies := range deaths {
		for _, row := range standsIn {
			t.Run(how+"/"+row.clause+": "+row.does, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStack(nil)
					s.says(200, row.answer, "good")
					get(t, s, "http://example.com/", row.first)
					time.Sleep(row.wait)
					dies(s.origin)
					resp, body := get(t, s, "http://example.com/", row.again)
					if got := body == "good"; got != row.want {
						t.Fatalf("stands in: %v, want %v; got %q", got, row.want, body)
					}
					if s.calls() != 2 {
						t.Errorf("the service was asked %d times", s.calls())
					}
					if row.want {
						tellsOf(t, resp, how)
					} else if how == "503" && (body != "down" || resp.StatusCode != http.StatusServiceUnavailable) {
						t.Errorf("what was refused is not what the service said: %q", body)
					}
				})
			})
		}
	}
}

func tellsOf(t *testing.T, resp *http.Response, how string) {
	t.Helper()
	status := resp.Header.Get("Cache-Status")
	if !strings.HasPrefix(status, "safetrip; fwd=") || !strings.Contains(status, "; detail=cached") ||
		strings.Contains(status, "; fwd-status=503") != (how == "503") || resp.Header.Get("Age") == "" {
		t.Errorf("Cache-Status: %q, Age: %q", status, resp.Header.Get("Age"))
	}
}

func TestStandingInForPOST(t *testing.T) {
	send := func(t *testing.T, s *stack, body string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/v1/chat", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_, got := do(t, s, req)
		return got
	}
	s := newStack(&fallback.Cache{PostKey: fallback.BodyKey})
	s.says(200, "", "answer one")
	send(t, s, "question one")
	s.says(200, "", "answer two")
	send(t, s, "question two")
	s.dies()
	for q, want := range map[string]string{"question one": "answer one", "question two": "answer two"} {
		if got := send(t, s, q); got != want {
			t.Errorf("%s: %q, want %q", q, got, want)
		}
	}
	if got := send(t, s, "question three"); !strings.HasPrefix(got, "error") {
		t.Errorf("a question never asked was answered: %q", got)
	}
	s = newStack(nil)
	s.says(200, "Cache-Control: max-age=60", "answer one")
	send(t, s, "question one")
	s.dies()
	if got := send(t, s, "question one"); !strings.HasPrefix(got, "error") {
		t.Errorf("without a PostKey: %q", got)
	}
}

func TestAPOSTThatOnlyTheServiceCanAnswer(t *testing.T) {
	for _, lines := range []string{`If-Match: "v"`, "Range: bytes=0-1", "If-Unmodified-Since: +0s", "Cache-Control: no-store"} {
		s := newStack(&fallback.Cache{PostKey: fallback.BodyKey})
		send := func(lines string) string {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/", strings.NewReader("question"))
			req.Header = header(lines)
			_, body := do(t, s, req)
			return body
		}
		s.says(200, "", "good")
		send("")
		s.dies()
		if got := send(lines); !strings.HasPrefix(got, "error") {
			t.Errorf("%s was answered %q", lines, got)
		}
		if got := send(""); got != "good" {
			t.Errorf("without %s: %q", lines, got)
		}
	}
}

func TestA404AboutAGetWithABodyIsAboutThatAlone(t *testing.T) {
	s := newStack(nil)
	s.says(200, "", "good")
	get(t, s, "http://example.com/search", "")
	s.says(404, "", "nothing found")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/search", strings.NewReader("query"))
	do(t, s, req)
	s.dies()
	if _, body := get(t, s, "http://example.com/search", ""); body != "good" {
		t.Errorf("got %q", body)
	}
}

func TestAGetWithABodyIsNotStored(t *testing.T) {
	s := newStack(&fallback.Cache{ServeFresh: true})
	s.says(200, "Cache-Control: max-age=60", "found one")
	for _, q := range []string{"one", "two"} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/search", strings.NewReader(q))
		if _, body := do(t, s, req); body != "found "+q {
			t.Errorf("asked for %s, got %q", q, body)
		}
		s.says(200, "Cache-Control: max-age=60", "found two")
	}
}

func TestErrorsNeverReplaceTheGoodAnswer(t *testing.T) {
	for _, status := range []int{500, 502, 503, 504, 429, 400, 401, 403, 409, 418, 501} {
		s := newStack(nil)
		s.says(200, "", "good")
		get(t, s, "http://example.com/", "")
		s.says(status, "Cache-Control: max-age=60", "bad")
		get(t, s, "http://example.com/", "")
		s.dies()
		if _, body := get(t, s, "http://example.com/", ""); body != "good" {
			t.Errorf("after a %d: %q", status, body)
		}
	}
}

func TestWhatIsGoneIsGone(t *testing.T) {
	for _, status := range []int{404, 410} {
		for _, lines := range []string{"", "Cache-Control: max-age=60", "Cache-Control: no-store"} {
			s := newStack(nil)
			s.says(200, "", "alice's")
			get(t, s, "http://example.com/", "Cookie: alice")
			s.says(200, "", "bob's")
			get(t, s, "http://example.com/", "Cookie: bob")
			s.says(status, lines, "gone")
			if resp, _ := get(t, s, "http://example.com/", "Cookie: alice"); resp.StatusCode != status {
				t.Errorf("a %d came back as %d", status, resp.StatusCode)
			}
			s.dies()
			if _, body := get(t, s, "http://example.com/", "Cookie: alice"); !strings.HasPrefix(body, "error") {
				t.Errorf("after a %d: %q", status, body)
			}
			if _, body := get(t, s, "http://example.com/", "Cookie: bob"); body != "bob's" {
				t.Errorf("for one who was not told of the %d: %q", status, body)
			}
		}
	}
}

func TestTheCallersOwnCancelGetsTheContextsError(t *testing.T) {
	s := newStack(nil)
	s.says(200, "", "good")
	get(t, s, "http://example.com/", "")
	call := func(answer func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.does(func(req *http.Request) (*http.Response, error) {
			cancel()
			return answer(req)
		})
		return s.RoundTrip(request(t, "GET", "http://example.com/", "").WithContext(ctx))
	}
	resp, err := call(func(req *http.Request) (*http.Response, error) { return nil, req.Context().Err() })
	if resp != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", resp, err)
	}
	resp, err = call(func(req *http.Request) (*http.Response, error) { return response(req, 503, "", "down"), nil })
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a 503 that came as the context ended: %v, %v", resp, err)
	}
}

func TestTTLSettings(t *testing.T) {
	for _, row := range []struct {
		does string
		ttl  time.Duration
		wait time.Duration
		want bool
	}{
		{"two minutes: before", 2 * time.Minute, 119 * time.Second, true},
		{"two minutes: after", 2 * time.Minute, 2 * time.Minute, false},
		{"negative: off", -1, 0, false},
	} {
		t.Run(row.does, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStack(&fallback.Cache{TTL: row.ttl})
				s.says(200, "", "good")
				get(t, s, "http://example.com/", "")
				time.Sleep(row.wait)
				s.dies()
				if _, body := get(t, s, "http://example.com/", ""); (body == "good") != row.want {
					t.Errorf("got %q", body)
				}
			})
		})
	}
}

func TestTheTripSaysWhereAnAnswerCameFrom(t *testing.T) {
	s := newStack(nil, fallback.JSON(200, "made up"))
	s.says(200, "", "good")
	ask := func(url string) transport.Answer {
		req := request(t, "GET", url, "")
		ctx, trip := transport.NewTrip(req.Context())
		resp, _ := do(t, s, req.WithContext(ctx))
		if transport.TripOf(resp) != trip {
			t.Error("TripOf is not the caller's Trip")
		}
		return trip.Answer()
	}
	if a := ask("http://example.com/"); a != (transport.Answer{}) {
		t.Errorf("the service answered: %+v", a)
	}
	s.dies()
	if a := ask("http://example.com/"); a != (transport.Answer{Source: "cache", Step: "cached", Level: transport.Degraded}) {
		t.Errorf("the cache answered: %+v", a)
	}
	if a := ask("http://example.com/other"); a != (transport.Answer{Source: "static", Step: "static", Level: transport.Degraded}) {
		t.Errorf("the static step answered: %+v", a)
	}
	if got := s.ladder.Answers(); len(got) != 2 || got["cache"] != 1 || got["static"] != 1 {
		t.Errorf("Answers: %v", got)
	}
}

func TestOnlyIfCachedAsksNobody(t *testing.T) {
	s := newStack(&fallback.Cache{ServeFresh: true}, fallback.JSON(200, "made up"))
	s.says(200, "Cache-Control: max-age=60", "good")
	if resp, _ := get(t, s, "http://example.com/", "Cache-Control: only-if-cached"); resp.StatusCode != http.StatusGatewayTimeout || s.calls() != 0 {
		t.Errorf("got %d after %d calls", resp.StatusCode, s.calls())
	}
	get(t, s, "http://example.com/", "")
	if _, body := get(t, s, "http://example.com/", "Cache-Control: only-if-cached"); body != "good" || s.calls() != 1 {
		t.Errorf("got %q after %d calls", body, s.calls())
	}
}
