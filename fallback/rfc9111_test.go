package fallback_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
)

// Each row stores one answer and asks again. What comes of the second request
// is hit (nobody was asked), asked, validated (asked with a condition), or the
// status of an answer that the cache made.
var fresh = []struct {
	does, clause string
	answer       string // header of the first answer
	first        string // header of the first request
	wait         time.Duration
	again        string // header of the second request
	want         string
}{
	{"max-age in seconds", "RFC 9111, 5.2.2.1", "Cache-Control: max-age=60", "", 59 * time.Second, "", "hit"},
	{"at its end it is over", "4.2", "Cache-Control: max-age=60", "", 60 * time.Second, "", "asked"},
	{"max-age beats Expires", "5.3", "Cache-Control: max-age=60|Expires: -1h", "", time.Second, "", "hit"},
	{"s-maxage beats max-age", "5.2.2.10", "Cache-Control: s-maxage=60, max-age=1", "", 30 * time.Second, "", "hit"},
	{"s-maxage beats a longer max-age too", "5.2.2.10", "Cache-Control: s-maxage=1, max-age=60", "", 30 * time.Second, "", "asked"},
	{"Expires less Date", "4.2.1", "Expires: +1h", "", 59 * time.Minute, "", "hit"},
	{"Expires is counted from the origin's own Date", "4.2.1", "Date: -1h|Expires: +1h", "", 59 * time.Minute, "", "hit"},
	{"an Expires that is no date is the past", "5.3", "Expires: 0", "", 0, "", "asked"},
	{"Expires as RFC 850 has it", "RFC 9110, 5.6.7", "Expires: Saturday, 01-Jan-00 01:00:00 GMT", "", 59 * time.Minute, "", "hit"},
	{"Expires as C prints it", "RFC 9110, 5.6.7", "Expires: Sat Jan  1 01:00:00 2000", "", 59 * time.Minute, "", "hit"},
	{"Expires in letters of the other case", "4.2", "Expires: sat, 01 JAN 2000 01:00:00 gmt", "", 59 * time.Minute, "", "hit"},
	{"Expires in another zone is no date", "4.2", "Expires: Saturday, 01-Jan-00 01:00:00 EST", "", 0, "", "asked"},
	{"Expires in UTC is no date", "4.2", "Expires: Sat, 01 Jan 2000 01:00:00 UTC", "", 0, "", "asked"},
	{"Expires with an hour of one digit is no date", "5.3", "Expires: Sat, 01 Jan 2000 1:00:00 GMT", "", 0, "", "asked"},
	{"Expires with a fraction is no date", "5.3", "Expires: Sat, 01 Jan 2000 01:00:00.5 GMT", "", 0, "", "asked"},
	{"Expires with two spaces is no date", "5.3", "Expires: Sat, 01 Jan 2000  01:00:00 GMT", "", 0, "", "asked"},
	{"Expires without a comma is no date", "5.3", "Expires: Sat 01 Jan 2000 01:00:00 GMT", "", 0, "", "asked"},
	{"an empty Expires is the past", "5.3", "Expires:", "", 0, "", "asked"},
	{"of two Expires the earlier one", "4.2.1", "Expires: +1h|Expires: +1s", "", 2 * time.Second, "", "asked"},
	{"an Expires beside a Date that is none is counted from receipt", "4.2.1", "Date: today|Expires: +1h", "", 59 * time.Minute, "", "hit"},
	{"nothing said, nothing served", "4.2", "Content-Type: text/plain", "", 0, "", "asked"},
	{"Last-Modified alone is no freshness", "4.2.2", "Last-Modified: -100h", "", 0, "", "validated"},
	{"a value past all bounds is a long time", "1.2.2", "Cache-Control: max-age=99999999999999999999", "", 24 * time.Hour, "", "hit"},
	{"a value in quotation marks", "5.2", `Cache-Control: max-age="60"`, "", time.Second, "", "hit"},
	{"names in any case", "5.2", "Cache-Control: MAX-AGE=60", "", time.Second, "", "hit"},
	{"unknown directives are passed over", "5.2.3", `Cache-Control: community="UCI, x", max-age=60, foo`, "", time.Second, "", "hit"},
	{"two lines are one list", "5.2", "Cache-Control: public|Cache-Control: max-age=60", "", time.Second, "", "hit"},
	{"a value that is no number: do not store", "5.2", "Cache-Control: max-age=1x", "", 0, "", "asked"},
	{"a negative value: do not store", "1.2.2", "Cache-Control: max-age=-1", "", 0, "", "asked"},
	{"a value with a point: do not store", "1.2.2", "Cache-Control: max-age=60.0", "", 0, "", "asked"},
	{"a directive that wants a value and has none: do not store", "5.2", "Cache-Control: max-age", "", 0, "", "asked"},
	{"a string that does not end: do not store", "5.2", `Cache-Control: max-age=60, x="`, "", 0, "", "asked"},
	{"two values that differ: stale", "4.2.1", "Cache-Control: max-age=60, max-age=90", "", 0, "", "asked"},

	{"Age counts", "4.2.3", "Cache-Control: max-age=60|Age: 50", "", 11 * time.Second, "", "asked"},
	{"Age that still has room", "4.2.3", "Cache-Control: max-age=60|Age: 50", "", 9 * time.Second, "", "hit"},
	{"an old Date counts", "4.2.3", "Cache-Control: max-age=60|Date: -50s", "", 11 * time.Second, "", "asked"},
	{"a Date in the future does not", "4.2.3", "Cache-Control: max-age=60|Date: +1h", "", 59 * time.Second, "", "hit"},
	{"an Age that is no number is ignored", "5.1", "Cache-Control: max-age=60|Age: x", "", 59 * time.Second, "", "hit"},
	{"a negative Age is ignored", "5.1", "Cache-Control: max-age=60|Age: -50", "", 59 * time.Second, "", "hit"},
	{"an Age with a point is ignored", "5.1", "Cache-Control: max-age=60|Age: 50.5", "", 59 * time.Second, "", "hit"},
	{"of a list of ages the first", "5.1", "Cache-Control: max-age=60|Age: 50, 1", "", 11 * time.Second, "", "asked"},
	{"of two lines with ages the first", "5.1", "Cache-Control: max-age=60|Age: 1|Age: 50", "", 58 * time.Second, "", "hit"},
	{"an Age past all bounds is old", "1.2.2", "Cache-Control: max-age=60|Age: 99999999999999999999", "", 0, "", "asked"},
	{"a Date in the year 1 is old", "4.2.3", "Cache-Control: max-age=60|Date: Mon, 01 Jan 0001 00:00:00 GMT", "", 2 * time.Minute, "", "asked"},
	{"a Date that is none is not looked at", "4.2.3", "Cache-Control: max-age=60|Date: Sat, 01 Jan 2000", "", 59 * time.Second, "", "hit"},
	{"no Date: the time of receipt", "4.2.3", "Cache-Control: max-age=60|Date: -", "", 59 * time.Second, "", "hit"},

	{"no-store", "5.2.2.5", "Cache-Control: no-store, max-age=60", "", 0, "", "asked"},
	{"no-store that is for others than us", "5.2.2.3", "Cache-Control: no-store, must-understand, max-age=60", "", 0, "", "hit"},
	{"must-understand alone", "5.2.2.3", "Cache-Control: must-understand, max-age=60", "", 0, "", "hit"},
	{"no-cache is validated each time", "5.2.2.4", `Cache-Control: no-cache, max-age=60|Etag: "v"`, "", 0, "", "validated"},
	{"no-cache without a validator is asked", "5.2.2.4", "Cache-Control: no-cache, max-age=60", "", 0, "", "asked"},
	{"no-cache for some fields counts as for all", "5.2.2.4", `Cache-Control: no-cache="x-y", max-age=60|Etag: "v"`, "", 0, "", "validated"},
	{"private is not for everybody", "5.2.2.7", "Cache-Control: private, max-age=60", "", 0, "", "asked"},
	{"private for some fields counts as for all", "5.2.2.7", `Cache-Control: private="x", max-age=60`, "", 0, "", "asked"},
	{"private is for the one who asked with credentials", "5.2.2.7", "Cache-Control: private, max-age=60", "Authorization: A", 0, "Authorization: A", "hit"},
	{"must-revalidate is fresh while it is", "5.2.2.2", "Cache-Control: must-revalidate, max-age=60", "", time.Second, "", "hit"},
	{"must-revalidate beats max-stale", "5.2.2.2", "Cache-Control: must-revalidate, max-age=60", "", 61 * time.Second, "Cache-Control: max-stale", "asked"},
	{"proxy-revalidate beats max-stale", "5.2.2.8", "Cache-Control: proxy-revalidate, max-age=60", "", 61 * time.Second, "Cache-Control: max-stale", "asked"},
	{"s-maxage beats max-stale", "5.2.2.10", "Cache-Control: s-maxage=60", "", 61 * time.Second, "Cache-Control: max-stale", "asked"},
	{"Pragma in an answer means nothing", "5.4", "Cache-Control: max-age=60|Pragma: no-cache", "", 0, "", "hit"},

	{"an answer to Authorization is not for others", "3.5", "Cache-Control: max-age=60", "Authorization: A", 0, "", "asked"},
	{"nor is one that says public", "3.5", "Cache-Control: public, max-age=60", "Authorization: A", 0, "Authorization: B", "asked"},
	{"the same credentials get it again", "3.5", "Cache-Control: max-age=60", "Authorization: A", 0, "Authorization: A", "hit"},

	{"Vary: the same value", "4.1", "Cache-Control: max-age=60|Vary: Accept", "Accept: a", 0, "Accept: a", "hit"},
	{"Vary: another value", "4.1", "Cache-Control: max-age=60|Vary: Accept", "Accept: a", 0, "Accept: b", "asked"},
	{"Vary: none is not empty", "4.1", "Cache-Control: max-age=60|Vary: Accept", "Accept:", 0, "", "asked"},
	{"Vary: none and none", "4.1", "Cache-Control: max-age=60|Vary: Accept", "", 0, "X: y", "hit"},
	{"Vary: names in any case and order", "4.1", "Cache-Control: max-age=60|Vary: accept-language , ACCEPT", "Accept: a|Accept-Language: b", 0, "Accept-Language: b|Accept: a", "hit"},
	{"Vary: a name in the request that is spelled its own way", "4.1", "Cache-Control: max-age=60|Vary: Accept", "accept: a", 0, "accept: b", "asked"},
	{"Vary: two lines", "4.1", "Cache-Control: max-age=60|Vary: Accept|Vary: X", "X: 1", 0, "X: 2", "asked"},
	{"Vary: *", "4.1", "Cache-Control: max-age=60|Vary: *", "", 0, "", "asked"},
	{"Vary: * among others", "4.1", "Cache-Control: max-age=60|Vary: Accept, *", "", 0, "", "asked"},
	{"Vary that is malformed", "4.1", "Cache-Control: max-age=60|Vary: a b", "", 0, "", "asked"},

	{"request no-cache", "5.2.1.4", "Cache-Control: max-age=60", "", 0, "Cache-Control: no-cache", "asked"},
	{"request no-cache, with a validator", "5.2.1.4", `Cache-Control: max-age=60|Etag: "v"`, "", 0, "Cache-Control: no-cache", "validated"},
	{"Pragma: no-cache stands in for it", "5.4", "Cache-Control: max-age=60", "", 0, "Pragma: no-cache", "asked"},
	{"but not beside Cache-Control", "5.4", "Cache-Control: max-age=60", "", 0, "Pragma: no-cache|Cache-Control: max-age=60", "hit"},
	{"a request that cannot be read counts as no-cache", "5.2", "Cache-Control: max-age=60", "", 0, `Cache-Control: max-age=x`, "asked"},
	{"request no-store keeps nothing", "5.2.1.5", "Cache-Control: max-age=60", "Cache-Control: no-store", 0, "", "asked"},
	{"request no-store in a spelling of its own", "5.2.1.5", "Cache-Control: max-age=60", "cache-control: no-store", 0, "", "asked"},
	{"request no-store is not answered from what is kept", "5.2.1.5", "Cache-Control: max-age=60", "", 0, "Cache-Control: no-store", "asked"},
	{"request max-age that is passed", "5.2.1.1", "Cache-Control: max-age=60", "", 11 * time.Second, "Cache-Control: max-age=10", "asked"},
	{"request max-age that is kept", "5.2.1.1", "Cache-Control: max-age=60", "", 9 * time.Second, "Cache-Control: max-age=10", "hit"},
	{"request max-age=0", "5.2.1.1", "Cache-Control: max-age=60", "", time.Second, "Cache-Control: max-age=0", "asked"},
	{"min-fresh that there is", "5.2.1.3", "Cache-Control: max-age=60", "", 49 * time.Second, "Cache-Control: min-fresh=10", "hit"},
	{"min-fresh that there is not", "5.2.1.3", "Cache-Control: max-age=60", "", 51 * time.Second, "Cache-Control: min-fresh=10", "asked"},
	{"max-stale without bound", "5.2.1.2", "Cache-Control: max-age=60", "", 30 * time.Minute, "Cache-Control: max-stale", "hit"},
	{"max-stale within bound", "5.2.1.2", "Cache-Control: max-age=60", "", 70 * time.Second, "Cache-Control: max-stale=11", "hit"},
	{"max-stale past its bound", "5.2.1.2", "Cache-Control: max-age=60", "", 72 * time.Second, "Cache-Control: max-stale=11", "asked"},
	{"only-if-cached and it is", "5.2.1.7", "Cache-Control: max-age=60", "", 0, "Cache-Control: only-if-cached", "hit"},
	{"only-if-cached and it is stale", "5.2.1.7", "Cache-Control: max-age=60", "", 61 * time.Second, "Cache-Control: only-if-cached", "504"},
	{"only-if-cached and it is not", "5.2.1.7", "Cache-Control: no-store", "", 0, "Cache-Control: only-if-cached", "504"},
	{"only-if-cached, stale and welcome", "5.2.1.7", "Cache-Control: max-age=60", "", 61 * time.Second, "Cache-Control: only-if-cached, max-stale", "hit"},

	{"a stale answer with an ETag", "4.3.1", `Cache-Control: max-age=60|Etag: "v"`, "", 61 * time.Second, "", "validated"},
	{"a stale answer with a date", "4.3.1", "Cache-Control: max-age=60|Last-Modified: -1h", "", 61 * time.Second, "", "validated"},
	{"a range is asked for", "3.3", "Cache-Control: max-age=60", "", 0, "Range: bytes=0-1", "asked"},
	{"an upgrade is the service's to grant", "RFC 9110, 7.8", "Cache-Control: max-age=60", "", 0, "Connection: Upgrade|Upgrade: websocket", "asked"},
	{"nor is an answer to such a request kept", "RFC 9110, 7.8", "Cache-Control: max-age=60", "Connection: Upgrade|Upgrade: websocket", 0, "", "asked"},
	{"what was coded is for who asked for the coding", "RFC 9110, 12.5.3", "Cache-Control: max-age=60|Content-Encoding: br", "Accept-Encoding: br", 0, "Accept-Encoding: br", "hit"},
	{"and for nobody else, be there no Vary", "RFC 9110, 12.5.3", "Cache-Control: max-age=60|Content-Encoding: br", "Accept-Encoding: br", 0, "", "asked"},
	{"If-Match is the service's to judge", "4.3.2", "Cache-Control: max-age=60", "", 0, `If-Match: "v"`, "asked"},
	{"stale-while-revalidate with nobody to revalidate", "RFC 5861, 3", "Cache-Control: max-age=60, stale-while-revalidate=60", "", 61 * time.Second, "", "asked"},
}

func TestServingFresh(t *testing.T) {
	for _, row := range fresh {
		t.Run(row.clause+": "+row.does, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := new(origin)
				rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
				o.does(func(req *http.Request) (*http.Response, error) { return response(req, 200, row.answer, "good"), nil })
				get(t, rt, "http://example.com/", row.first)
				time.Sleep(row.wait)
				o.says(200, "", "again")
				if got, resp := second(t, rt, o, row.again); got != row.want {
					t.Errorf("the second request: %s, want %s\n%v", got, row.want, resp)
				}
			})
		})
	}
}

func second(t *testing.T, rt http.RoundTripper, o *origin, again string) (string, *http.Response) {
	t.Helper()
	before := o.calls()
	resp, body := get(t, rt, "http://example.com/", again)
	switch {
	case o.calls() == before && body == "good":
		if !strings.HasPrefix(resp.Header.Get("Cache-Status"), "safetrip; hit; ttl=") || resp.Header.Get("Age") == "" {
			t.Errorf("a hit says Cache-Status: %q, Age: %q", resp.Header.Get("Cache-Status"), resp.Header.Get("Age"))
		}
		return "hit", resp
	case o.calls() == before:
		return resp.Status[:3], resp
	case o.last().Header.Get("If-None-Match") != "" || o.last().Header.Get("If-Modified-Since") != "":
		return "validated", resp
	}
	if resp.Header.Get("Cache-Status") != "" {
		t.Errorf("an answer of the service says Cache-Status: %q", resp.Header.Get("Cache-Status"))
	}
	return "asked", resp
}

func TestHeuristicFreshness(t *testing.T) {
	for _, row := range []struct {
		does, answer string
		status       int
		wait         time.Duration
		want         string
	}{
		{"a tenth of the time since the last change", "Last-Modified: -100h", 200, 9 * time.Hour, "hit"},
		{"and no more", "Last-Modified: -100h", 200, 11 * time.Hour, "validated"},
		{"at most a day", "Last-Modified: -10000h", 200, 23 * time.Hour, "hit"},
		{"and no longer", "Last-Modified: -10000h", 200, 25 * time.Hour, "validated"},
		{"nothing without a date of change", "", 200, 0, "asked"},
		{"explicit freshness comes first", "Last-Modified: -100h|Cache-Control: max-age=1", 200, 2 * time.Second, "validated"},
	} {
		t.Run(row.does, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := new(origin)
				rt := (&fallback.Cache{ServeFresh: true, Heuristic: true}).Wrap(o)
				o.says(row.status, row.answer, "good")
				get(t, rt, "http://example.com/", "")
				time.Sleep(row.wait)
				o.says(200, "", "again")
				if got, resp := second(t, rt, o, ""); got != row.want {
					t.Errorf("the second request: %s, want %s\n%v", got, row.want, resp)
				}
			})
		})
	}
}

func TestStatusesThatAreStored(t *testing.T) {
	for status, want := range map[int]bool{
		200: true, 203: true, 204: true, 300: true, 301: true, 302: true, 303: true, 307: true, 308: true, 404: true, 410: true,
		201: false, 202: false, 206: false, 299: false, 400: false, 401: false, 403: false, 405: false, 500: false, 501: false, 503: false,
	} {
		o := new(origin)
		rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
		body := "good"
		if status == 204 {
			body = ""
		}
		o.says(status, "Cache-Control: max-age=60", body)
		get(t, rt, "http://example.com/", "")
		resp, again := get(t, rt, "http://example.com/", "")
		if got := o.calls() == 1; got != want {
			t.Errorf("%d with max-age is stored: %v, want %v (RFC 9111, 3)", status, got, want)
		}
		if resp.StatusCode != status || again != body {
			t.Errorf("%d came back as %d %q", status, resp.StatusCode, again)
		}
	}
}

func TestValidation(t *testing.T) {
	const stale = `Cache-Control: max-age=60|Etag: "v1"|Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT|X-Old: 1|Content-Type: text/a`
	start := func(t *testing.T) (*origin, http.RoundTripper) {
		t.Helper()
		o := new(origin)
		rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
		o.says(200, stale, "good")
		get(t, rt, "http://example.com/", "")
		time.Sleep(61 * time.Second)
		return o, rt
	}
	for does, test := range map[string]func(t *testing.T){
		"4.3.3: a 304 makes it fresh and changes its header": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(304, `Cache-Control: max-age=100|X-New: 2|Etag: "v1"|Content-Length: 0|Content-Type: text/b|Content-Encoding: br|Content-Range: bytes 0-1/4|Set-Cookie: a=b`, "")
			resp, body := get(t, rt, "http://example.com/", "X: y")
			h := resp.Header
			if resp.StatusCode != http.StatusOK || body != "good" || h.Get("X-New") != "2" || h.Get("X-Old") != "1" || h.Get("Content-Type") != "text/b" || h.Get("Content-Encoding")+h.Get("Content-Range") != "" || h.Get("Set-Cookie") != "a=b" {
				t.Errorf("got %d %q %v", resp.StatusCode, body, h)
			}
			if got := h.Get("Cache-Status"); got != "safetrip; fwd=stale; fwd-status=304; ttl=100" {
				t.Errorf("Cache-Status: %q", got)
			}
			if got := o.last().Header; got.Get("If-None-Match") != `"v1"` || got.Get("If-Modified-Since") == "" || got.Get("X") != "y" {
				t.Errorf("the question was %v", got)
			}
			time.Sleep(99 * time.Second)
			if got, resp := second(t, rt, o, ""); got != "hit" || resp.Header.Get("Set-Cookie") != "" {
				t.Errorf("99 s later: %s, %v", got, resp.Header)
			}
		},
		"3.2: a 304 does not change how the body is read": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(304, `Etag: "v1"|Content-Length: 9|Content-Encoding: br|Content-Range: bytes 0-1/2`, "")
			resp, body := get(t, rt, "http://example.com/", "")
			if body != "good" || resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("Content-Range") != "" || resp.Header.Get("Content-Length") == "9" {
				t.Errorf("got %q %v", body, resp.Header)
			}
		},
		"4.3.3: a question about a weak tag may be answered with the strong one": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
			o.says(200, `Etag: W/"v1"`, "good")
			get(t, rt, "http://example.com/", "")
			o.says(304, `Etag: "v1"`, "")
			if _, body := get(t, rt, "http://example.com/", ""); body != "good" {
				t.Errorf("got %q", body)
			}
		},
		"4.3.4: a caller's 304 about a strong tag is not about a weak one": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
			o.says(200, `Etag: W/"v1"`, "good")
			get(t, rt, "http://example.com/", "")
			o.says(304, `Etag: "v1"|Cache-Control: max-age=60`, "")
			get(t, rt, "http://example.com/", `If-None-Match: "v1"`)
			o.says(200, "", "again")
			if got, _ := second(t, rt, o, ""); got == "hit" {
				t.Error("it became fresh")
			}
		},
		"5.2.1.5: nothing of a 304 to a request with no-store is kept": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(304, `Etag: "v1"|Cache-Control: max-age=60`, "")
			get(t, rt, "http://example.com/", `If-None-Match: "v1"|Cache-Control: no-store`)
			o.says(200, "", "again")
			if got, _ := second(t, rt, o, ""); got == "hit" {
				t.Error("it became fresh")
			}
		},
		"4.3.3: a 200 takes its place": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(200, `Cache-Control: max-age=60|Etag: "v2"`, "new")
			if _, body := get(t, rt, "http://example.com/", ""); body != "new" {
				t.Errorf("got %q", body)
			}
			if _, body := get(t, rt, "http://example.com/", ""); body != "new" || o.calls() != 2 {
				t.Errorf("then got %q after %d calls", body, o.calls())
			}
		},
		"4.3.3: a 503 is passed on and costs nothing": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(503, "", "down")
			if resp, body := get(t, rt, "http://example.com/", ""); resp.StatusCode != http.StatusServiceUnavailable || body != "down" {
				t.Errorf("got %d %q", resp.StatusCode, body)
			}
			o.says(304, `Etag: "v1"`, "")
			if _, body := get(t, rt, "http://example.com/", ""); body != "good" {
				t.Errorf("then got %q", body)
			}
		},
		"4.3.4: a 304 about something else is not believed": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.does(func(req *http.Request) (*http.Response, error) {
				if req.Header.Get("If-None-Match") != "" {
					return response(req, 304, `Etag: "other"`, ""), nil
				}
				return response(req, 200, `Etag: "other"`, "other"), nil
			})
			if _, body := get(t, rt, "http://example.com/", ""); body != "other" {
				t.Errorf("got %q", body)
			}
		},
		"4.3.2: a caller's own condition is answered from what is fresh": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(200, `Cache-Control: max-age=60|Etag: "v,2"|Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT`, "new")
			get(t, rt, "http://example.com/", "")
			for lines, want := range map[string]int{
				`If-None-Match: "v,2"`:             304,
				`If-None-Match: W/"v,2"`:           304,
				`If-None-Match: "x", W/"v,2", "y"`: 304,
				`if-none-match: "v,2"`:             304,
				`If-None-Match: *`:                 304,
				`If-None-Match: "v1"`:              200,
				`If-None-Match: "x"|If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT`: 200,
				`If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT`:                    304,
				`If-Modified-Since: Fri, 31 Dec 1999 00:00:00 GMT`:                    200,
				`If-Modified-Since: yesterday`:                                        200,
				`If-Modified-Since: Sat, 01 Jan 2000 00:00:00 EST`:                    200,
				`If-Modified-Since: Saturday, 01-Jan-00 00:00:00 GMT`:                 304,
			} {
				resp, body := get(t, rt, "http://example.com/", lines)
				if resp.StatusCode != want || want == 304 && body != "" || want == 200 && body != "new" {
					t.Errorf("%s: got %d %q, want %d", lines, resp.StatusCode, body, want)
				}
			}
			if o.calls() != 2 {
				t.Errorf("%d calls", o.calls())
			}
		},
		"4.3.2: a caller's own condition about what is stale gets the origin's 304": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(304, `Etag: "v1"|Cache-Control: max-age=60|X-New: 2`, "")
			resp, body := get(t, rt, "http://example.com/", `If-None-Match: "v1"`)
			if resp.StatusCode != http.StatusNotModified || body != "" || resp.Header.Get("Cache-Status") != "" {
				t.Errorf("got %d %q %v", resp.StatusCode, body, resp.Header)
			}
			resp, body = get(t, rt, "http://example.com/", "")
			if body != "good" || o.calls() != 2 || resp.Header.Get("X-New") != "2" {
				t.Errorf("it did not bring what is stored up to date: %q after %d calls, %v", body, o.calls(), resp.Header)
			}
		},
		"4.3.2: without a Last-Modified the Date says when it can have changed": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
			for _, date := range []string{"", "|Date: -"} {
				o.says(200, "Cache-Control: max-age=60"+date, "good")
				get(t, rt, "http://example.com/"+date[:len(date)/8], "")
				for since, want := range map[string]int{"+0s": 304, "+1h": 304, "-1s": 200} {
					if resp, _ := get(t, rt, "http://example.com/"+date[:len(date)/8], "If-Modified-Since: "+since); resp.StatusCode != want {
						t.Errorf("since %s, Date%s: %d, want %d", since, date, resp.StatusCode, want)
					}
				}
			}
			if o.calls() != 2 {
				t.Errorf("%d calls", o.calls())
			}
		},
		"the caller's request is not changed": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(304, `Etag: "v1"`, "")
			req := request(t, http.MethodGet, "http://example.com/", "X: y")
			do(t, rt, req)
			if len(req.Header) != 1 || o.last() == req {
				t.Errorf("it is %v", req.Header)
			}
		},
		"3.2: a 304 that says no-store is the last use": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(304, `Etag: "v1"|Cache-Control: no-store`, "")
			if _, body := get(t, rt, "http://example.com/", ""); body != "good" {
				t.Errorf("got %q", body)
			}
			o.says(200, "", "new")
			if got, _ := second(t, rt, o, ""); got != "asked" {
				t.Errorf("then: %s", got)
			}
		},
	} {
		t.Run(does, func(t *testing.T) { synctest.Test(t, test) })
	}
}

func TestHead(t *testing.T) {
	start := func(t *testing.T) (*origin, http.RoundTripper) {
		t.Helper()
		o := new(origin)
		rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
		o.says(200, `Cache-Control: max-age=60|Etag: "v1"|Content-Length: 4`, "good")
		get(t, rt, "http://example.com/", "")
		return o, rt
	}
	head := func(t *testing.T, rt http.RoundTripper, lines string) *http.Response {
		t.Helper()
		resp, body := do(t, rt, request(t, http.MethodHead, "http://example.com/", lines))
		if body != "" {
			t.Errorf("HEAD got a body: %q", body)
		}
		return resp
	}
	for does, test := range map[string]func(t *testing.T){
		"RFC 9110, 9.3.2: is answered from a GET's answer": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			resp := head(t, rt, "")
			if o.calls() != 1 || resp.ContentLength != 4 || resp.Header.Get("Content-Length") != "4" || resp.Header.Get("Etag") != `"v1"` {
				t.Errorf("%d calls, %v", o.calls(), resp)
			}
		},
		"its answer is not stored": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
			o.says(200, "Cache-Control: max-age=60", "good")
			head(t, rt, "")
			head(t, rt, "")
			if _, body := get(t, rt, "http://example.com/", ""); o.calls() != 3 || body != "good" {
				t.Errorf("%d calls, then %q", o.calls(), body)
			}
		},
		"RFC 9111, 4.3.5: another ETag drops what is stored": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(200, `Etag: "v2"|Content-Length: 4`, "good")
			head(t, rt, "Cache-Control: no-cache")
			if got, _ := second(t, rt, o, ""); got != "asked" {
				t.Errorf("then: %s", got)
			}
		},
		"4.3.5: another length does": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(200, `Etag: "v1"`, "longer")
			head(t, rt, `If-None-Match: "x"|Cache-Control: no-cache`)
			if got, _ := second(t, rt, o, ""); got != "asked" {
				t.Errorf("then: %s", got)
			}
		},
		"4.3.5: not to what was compressed on the way, for which HEAD does not ask": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
			o.does(func(req *http.Request) (*http.Response, error) {
				resp := response(req, 200, `Cache-Control: max-age=60|Etag: "v1-gzip"`, "good")
				resp.Uncompressed, resp.ContentLength = true, -1
				return resp, nil
			})
			get(t, rt, "http://example.com/", "")
			o.says(200, `Etag: "v1"|Content-Length: 4`, "good")
			head(t, rt, "Cache-Control: no-cache")
			if got, _ := second(t, rt, o, ""); got != "hit" {
				t.Errorf("then: %s", got)
			}
		},
		"5.2.1.5: nothing of the answer to one with no-store is kept": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			o.says(200, `Etag: "v1"|Cache-Control: max-age=600|Content-Length: 4`, "good")
			head(t, rt, "Cache-Control: no-store")
			time.Sleep(61 * time.Second)
			o.says(200, "", "again")
			if got, _ := second(t, rt, o, ""); got == "hit" {
				t.Error("it became fresh")
			}
		},
		"4.3.5: the same one brings it up to date": func(t *testing.T) {
			t.Helper()
			o, rt := start(t)
			time.Sleep(59 * time.Second)
			o.says(200, `Etag: "v1"|Cache-Control: max-age=60|X-New: 2`, "good")
			head(t, rt, `Cache-Control: no-cache|If-None-Match: "x"`)
			time.Sleep(59 * time.Second)
			if got, resp := second(t, rt, o, ""); got != "hit" || resp.Header.Get("X-New") != "2" {
				t.Errorf("then: %s, %v", got, resp.Header)
			}
		},
	} {
		t.Run(does, func(t *testing.T) { synctest.Test(t, test) })
	}
}

func TestInvalidation(t *testing.T) {
	const url = "http://example.com/a"
	for _, row := range []struct {
		does   string
		method string
		status int
		answer string
		gone   []string
	}{
		{"POST", "POST", 200, "", []string{"/a"}},
		{"PUT", "PUT", 204, "", []string{"/a"}},
		{"DELETE", "DELETE", 200, "", []string{"/a"}},
		{"PATCH, answered by a redirect", "PATCH", 303, "", []string{"/a"}},
		{"a method that nobody knows", "FROB", 200, "", []string{"/a"}},
		{"an error changes nothing", "POST", 500, "", nil},
		{"nor does a refusal", "DELETE", 403, "", nil},
		{"safe methods change nothing", "OPTIONS", 200, "", nil},
		{"Location of the same origin", "POST", 201, "Location: /b", []string{"/a", "/b"}},
		{"Location in full", "POST", 201, "Location: HTTP://EXAMPLE.com:80/b", []string{"/a", "/b"}},
		{"Content-Location", "PUT", 200, "Content-Location: b", []string{"/a", "/b"}},
		{"of another origin: not ours to drop", "POST", 201, "Location: http://evil.example/b", []string{"/a"}},
		{"of another scheme: not ours to drop", "POST", 201, "Location: https://example.com/b", []string{"/a"}},
	} {
		t.Run("RFC 9111, 4.4: "+row.does, func(t *testing.T) {
			o := new(origin)
			rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
			others := []string{"http://example.com/a", "http://example.com/b", "http://evil.example/b", "https://example.com/b"}
			o.says(200, "Cache-Control: max-age=60", "good")
			for _, u := range others {
				get(t, rt, u, "")
				get(t, rt, u, "Cookie: user=alice")
			}
			o.says(row.status, row.answer, "")
			resp, _ := do(t, rt, request(t, row.method, url, "Cookie: user=bob"))
			toEnd(resp.Body)
			o.says(200, "", "again")
			for _, u := range others {
				path, here := strings.CutPrefix(u, "http://example.com")
				want := "good"
				for _, g := range row.gone {
					if here && g == path {
						want = "again"
					}
				}
				for _, who := range []string{"", "Cookie: user=alice"} {
					if _, body := get(t, rt, u, who); body != want {
						t.Errorf("%s for %q: %q, want %q", u, who, body, want)
					}
				}
			}
		})
	}
}

// A proxy may pass the Host header on: its URL then has another host.
func TestInvalidationBehindAnotherName(t *testing.T) {
	for location, want := range map[string]string{
		"/a":                        "again",
		"http://public.example/a":   "again",
		"HTTPS://PUBLIC.example/a":  "again", // somebody in front speaks TLS
		"http://example.com/a":      "again", // the origin's own name
		"http://other.example/a":    "good",
		"http://public.example:8/a": "good",
	} {
		o := new(origin)
		rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
		ask := func(method, url string) string {
			req := request(t, method, url, "")
			req.Host = "public.example"
			_, body := do(t, rt, req)
			return body
		}
		o.says(200, "Cache-Control: max-age=60", "good")
		ask("GET", "http://example.com/a")
		o.says(201, "Location: "+location, "")
		ask("POST", "http://example.com/b")
		o.says(200, "", "again")
		if got := ask("GET", "http://example.com/a"); got != want {
			t.Errorf("Location: %s leaves %q, want %q", location, got, want)
		}
	}
}

func TestAnAnswerThatWasUnderWayDuringAChangeIsNotStored(t *testing.T) {
	for does, concerns := range map[string]bool{"/a": true, "/b": false} {
		o := new(origin)
		rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
		o.says(200, "Cache-Control: max-age=60", "before")
		resp, err := rt.RoundTrip(request(t, "GET", "http://example.com/a", ""))
		if err != nil {
			t.Fatal(err)
		}
		do(t, rt, request(t, "POST", "http://example.com"+does, ""))
		toEnd(resp.Body)
		resp.Body.Close()
		o.says(200, "", "after")
		if _, body := get(t, rt, "http://example.com/a", ""); (body == "after") != concerns {
			t.Errorf("a change of %s, and /a was %q", does, body)
		}
	}
}

func TestWhatIsHandedOutAgain(t *testing.T) {
	o := new(origin)
	rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
	o.says(200, "Cache-Control: max-age=60|Set-Cookie: a=b|Connection: X-Hop, close|X-Hop: 1|Keep-Alive: 1|Transfer-Encoding: x|"+
		"Upgrade: x|Proxy-Authenticate: x|Trailer: x|TE: x|Www-Authenticate: x|Authentication-Info: x|X-Two: 1|X-Two: 2|Age: 7|X-Empty:", "good")
	first, _ := get(t, rt, "http://example.com/", "")
	if first.Header.Get("Set-Cookie") == "" || first.Header.Get("X-Hop") == "" {
		t.Errorf("the first answer is not as the origin gave it: %v", first.Header)
	}
	resp, _ := get(t, rt, "http://example.com/", "")
	for _, name := range []string{"Set-Cookie", "Connection", "X-Hop", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Proxy-Authenticate", "Trailer", "Te", "Www-Authenticate", "Authentication-Info"} {
		if v := resp.Header.Values(name); len(v) > 0 {
			t.Errorf("RFC 9111, 3.1: %s is handed out again: %q", name, v)
		}
	}
	if got := resp.Header.Values("X-Two"); len(got) != 2 || got[0] != "1" || got[1] != "2" {
		t.Errorf("X-Two is %q", got)
	}
	if _, ok := resp.Header["X-Empty"]; !ok {
		t.Error("an empty header got lost")
	}
	if got := resp.Header.Values("Age"); len(got) != 1 || got[0] != "7" {
		t.Errorf("Age is %q, want 7 once", got)
	}
	// The caller may do with its header what it likes.
	resp.Header.Add("X-Two", "3")
	resp.Header["X-Two"][0] = "changed"
	resp.Header.Del("Date")
	if again, _ := get(t, rt, "http://example.com/", ""); again.Header.Get("X-Two") != "1" || len(again.Header["X-Two"]) != 2 || again.Header.Get("Date") == "" {
		t.Errorf("what one caller did to its header, another sees: %v", again.Header)
	}
}

func TestWhatIsStoredHasADate(t *testing.T) {
	s := newStack(nil)
	s.says(200, "Date: -", "good")
	if first, _ := get(t, s, "http://example.com/", ""); first.Header["Date"] != nil {
		t.Errorf("the service's own answer was changed: %v", first.Header)
	}
	s.dies()
	resp, _ := get(t, s, "http://example.com/", "")
	if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil {
		t.Errorf("RFC 9110, 6.6.1: it is handed out without: %v", resp.Header)
	}
}

func TestA304AboutWhatTheCallerHasIsNotAboutWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := new(origin)
		rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
		o.says(200, `Cache-Control: max-age=60|Etag: "v1"`, "old")
		get(t, rt, "http://example.com/", "")
		time.Sleep(61 * time.Second)
		for _, lines := range []string{"Cache-Control: max-age=60", `Etag: "v2"|Cache-Control: max-age=60`, "Last-Modified: -1h|Cache-Control: max-age=60"} {
			o.says(304, lines, "")
			get(t, rt, "http://example.com/", `If-None-Match: "v2"`)
			o.says(200, "", "new")
			if got, _ := second(t, rt, o, "Cache-Control: max-stale=1"); got == "hit" {
				t.Errorf("%s: RFC 9111, 4.3.4: what is stored became fresh", lines)
			}
			o.says(200, `Cache-Control: max-age=60|Etag: "v1"|Age: 61`, "old")
			get(t, rt, "http://example.com/", "Cache-Control: no-cache")
		}
	})
}

func TestTheLaterAnswerStays(t *testing.T) {
	o := new(origin)
	rt := (&fallback.Cache{ServeFresh: true}).Wrap(o)
	o.says(200, "Cache-Control: max-age=60", "earlier")
	slow, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com/", ""))
	if err != nil {
		t.Fatal(err)
	}
	o.says(200, "Cache-Control: max-age=60", "later")
	get(t, rt, "http://example.com/", "")
	toEnd(slow.Body)
	slow.Body.Close()
	if _, body := get(t, rt, "http://example.com/", ""); body != "later" {
		t.Errorf("RFC 9111, 4: got the %s one", body)
	}
}

func TestHeadersInSpellingsOfTheirOwnMeanTheSame(t *testing.T) {
	for _, lines := range []string{"cache-control: no-store", "cache-control: private", "vary: *", "Cache-Control: max-age=60|cache-control: no-store"} {
		s := newStack(nil)
		s.says(200, lines, "good")
		get(t, s, "http://example.com/", "")
		s.dies()
		if _, body := get(t, s, "http://example.com/", ""); body == "good" {
			t.Errorf("%s: it was stored", lines)
		}
	}
	s := newStack(nil)
	s.says(200, "set-cookie: a=b|Cache-Control: max-age=60|connection: x-hop|x-hop: 1", "good")
	get(t, s, "http://example.com/", "")
	s.dies()
	//lint:ignore SA1008 the odd spelling is what this is about
	if resp, body := get(t, s, "http://example.com/", ""); body != "good" || resp.Header["set-cookie"] != nil || resp.Header["x-hop"] != nil {
		t.Errorf("got %q, %v", body, resp.Header)
	}
}
