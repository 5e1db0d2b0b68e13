package fallback_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
)

// A script is bytes that choose what users and their service do.
type script struct{ b []byte }

func (s *script) choose(n int) int {
	if len(s.b) == 0 {
		return 0
	}
	b := s.b[0]
	s.b = s.b[1:]
	return int(b) % n
}

func pick[T any](s *script, from ...T) T { return from[s.choose(len(from))] }

// whoseIs says all by which the service in these tests tells users apart.
func whoseIs(req *http.Request) string {
	var who []string
	for name, values := range req.Header {
		switch low := strings.ToLower(name); low {
		case "cache-control", "if-none-match", "if-modified-since", "accept", "content-type":
		default:
			who = append(who, low+"="+strings.Join(values, ","))
		}
	}
	slices.Sort(who)
	if req.URL.User != nil {
		who = append(who, req.URL.User.String())
	}
	if ctx, _ := req.Context().Value(whoKey{}).(string); ctx != "" {
		who = append(who, "context "+ctx)
	}
	return req.Host + strings.Join(who, ";")
}

// waysByName are those of ways that may be added to one request.
var waysByName = func() []string {
	var names []string
	for name := range ways {
		if name != "a path" && name != "a query" && name != "a header that Vary names" && name != "one in a spelling of its own" {
			names = append(names, name)
		}
	}
	return append(slices.Sorted(slices.Values(names)), "")
}()

// act lets users ask for the same thing at the same time, each in its own way,
// while their service answers, fails, and changes its mind. What a user gets
// must have been made for that user.
func act(t *testing.T, s *script) {
	t.Helper()
	o := new(origin)
	cache := userCache(s.choose(4) != 0)
	ladder := &fallback.Ladder{Steps: []fallback.Step{cache.Step()}}
	rt := ladder.Wrap(cache.Wrap(o))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if s.choose(2) == 1 {
		go func() { _ = cache.Run(ctx) }()
	}
	for step := 0; len(s.b) > 0 && step < 60; step++ {
		lines := strings.Join([]string{
			"Cache-Control: " + pick(s, "max-age=60", "no-cache", "public, max-age=9", "private, max-age=60", "max-age=1, stale-while-revalidate=60", "s-maxage=5, public", "x", "stale-if-error=600"),
			pick(s, `Etag: "v"`, "X: y", `Etag: W/"v"`, "Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT"),
			pick(s, "X: y", "Vary: Accept", "Vary: Authorization", "Vary: Cookie, X-Tenant", "Set-Cookie: s=1"),
		}, "|")
		mode := s.choose(8)
		o.does(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			switch {
			case mode == 0:
				return response(req, 503, "Vary: Accept", "down"), nil
			case mode == 1:
				return nil, errDown
			case mode == 2:
				return response(req, 401, "", "who are you"), nil
			case mode == 3:
				return response(req, 404, lines, "made for "+whoseIs(req)), nil
			case mode >= 6 && (req.Header.Get("If-None-Match") != "" || req.Header.Get("If-Modified-Since") != ""):
				resp := response(req, 304, lines, "")
				resp.Header.Set("X-For", whoseIs(req))
				return resp, nil
			}
			resp := response(req, 200, lines, "made for "+whoseIs(req))
			resp.Header.Set("X-For", whoseIs(req))
			return resp, nil
		})
		for range 1 + s.choose(3) {
			req := somebodysRequest(t, s)
			go checkWhose(t, rt, req)
		}
		time.Sleep(pick(s, time.Second, 100*time.Millisecond, 10*time.Second, time.Minute))
	}
	time.Sleep(10 * time.Minute)
	cancel()
	synctest.Wait()
}

func somebodysRequest(t *testing.T, s *script) *http.Request {
	t.Helper()
	method := pick(s, "GET", "GET", "GET", "HEAD", "POST", "DELETE")
	req := request(t, method, "http://example.com/", "")
	if method == "POST" {
		req, _ = http.NewRequestWithContext(t.Context(), method, "http://example.com/", strings.NewReader("question"))
	}
	if lines := pick(s, "", "", "", "Cache-Control: max-stale", "Cache-Control: no-cache", `If-None-Match: "v"`, "Accept: a", "Cache-Control: only-if-cached", "Cache-Control: no-store"); lines != "" {
		req.Header = header(lines)
	}
	for range s.choose(3) {
		if be := ways[pick(s, waysByName...)]; be != nil {
			be(req, pick(s, "alice", "bob", ""))
		}
	}
	if user := req.URL.User; user != nil && user.String() == "" {
		req.URL.User = nil
	}
	return req
}

// checkWhose sends a request, and looks at whose answer it gets.
func checkWhose(t *testing.T, rt http.RoundTripper, req *http.Request) {
	want := whoseIs(req)
	resp, body := do(t, rt, req)
	if resp == nil {
		return
	}
	if made, ok := strings.CutPrefix(body, "made for "); ok && made != want {
		t.Errorf("%s %v by %q got what was made for %q", req.Method, req.Header, want, made)
	}
	if who := resp.Header.Values("X-For"); len(who) > 0 && who[0] != want {
		t.Errorf("%s %v by %q got a header made for %q", req.Method, req.Header, want, who[0])
	}
}

// TestUsersAtRandom runs some hundred scripts. A seed that fails is in the
// name of its test, and fails again.
func TestUsersAtRandom(t *testing.T) {
	for seed := range uint64(400) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			b := make([]byte, 100+r.IntN(600))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			synctest.Test(t, func(t *testing.T) { act(t, &script{b}) })
		})
	}
}
