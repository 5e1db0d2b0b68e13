package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A step sends a request to the gateway, before which the origin is told what
// to answer. What comes of it is
//
//	hit|asked|validated STATUS BODY|Name: value|...
//
// hit if the origin was not asked, asked if it was, validated if with a
// condition that the client did not state. A body is "" or "-" if there is
// none; a value of "-" is a header that is not there, "*" is any. An Age and a
// ttl may be some seconds on. What is not named may be anything.
type step struct{ send, origin, want string }

// Old answers come with an Age, so that nobody waits.
const (
	fresh60 = "|Cache-Control: max-age=60"
	stale60 = fresh60 + "|Age: 61"
)

var rfc = []struct {
	does, clause string
	cache        string // and further flags
	steps        []step
}{
	// RFC 9111: what is fresh.
	{"max-age", "9111 5.2.2.1", "fresh", []step{
		{"GET /", "200 one|Cache-Control: max-age=60", "asked 200 one|Age: -|Cache-Status: safetrip; fwd=miss"},
		{"GET /", "200 two", "hit 200 one|Age: 0|Cache-Status: safetrip; hit; ttl=60"}}},
	{"max-age that is over", "9111 4.2", "fresh", []step{
		{"GET /", "200 one" + stale60, "asked 200 one|Age: 61"},
		{"GET /", "200 two" + fresh60, "asked 200 two"},
		{"GET /", "200 three", "hit 200 two"}}},
	{"Expires", "9111 5.3", "fresh", []step{
		{"GET /", "200 one|Expires: +1h", "asked 200 one"},
		{"GET /", "200 two", "hit 200 one|Age: *"}}},
	{"Expires in the past", "9111 5.3", "fresh", []step{
		{"GET /", "200 one|Expires: -1h", "asked 200 one"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"Expires that is no date", "9111 5.3", "fresh", []step{
		{"GET /", "200 one|Expires: 0", "asked 200 one"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"max-age before Expires", "9111 5.3", "fresh", []step{
		{"GET /", "200 one|Expires: -1h" + fresh60, "asked 200 one"},
		{"GET /", "200 two", "hit 200 one"}}},
	{"s-maxage before max-age", "9111 5.2.2.10", "fresh", []step{
		{"GET /", "200 one|Cache-Control: max-age=1, s-maxage=60|Age: 30", "asked 200 one"},
		{"GET /", "200 two", "hit 200 one|Age: 30"}}},
	{"s-maxage that is over, for all that max-age says", "9111 5.2.2.10", "fresh", []step{
		{"GET /", "200 one|Cache-Control: max-age=60, s-maxage=1|Age: 30", "asked 200 one"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"nothing said", "9111 4.2", "fresh", []step{
		{"GET /", "200 one", "asked 200 one"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"a tenth of the time since the last change", "9111 4.2.2", "fresh", []step{
		{"GET /", "200 one|Last-Modified: -100h|Age: 3600", "asked 200 one"},
		{"GET /", "200 two", "hit 200 one|Age: 3600"}}},
	{"and no more", "9111 4.2.2", "fresh", []step{
		{"GET /", "200 one|Last-Modified: -10h|Age: 7200", "asked 200 one"},
		{"GET /", "200 two", "validated 200 two"}}},
	{"no guess for a status that is not lasting", "9111 4.2.2", "fresh", []step{
		{"GET /", "403 one|Last-Modified: -100h", "asked 403 one"},
		{"GET /", "403 two", "asked 403 two"}}},

	// Age and Date.
	{"Age is counted on", "9111 4.2.3", "fresh", []step{
		{"GET /", "200 one|Cache-Control: max-age=60|Age: 50", "asked 200 one|Age: 50"},
		{"GET /", "200 two", "hit 200 one|Age: 50|Cache-Status: safetrip; hit; ttl=10"}}},
	{"an old Date is an age", "9111 4.2.3", "fresh", []step{
		{"GET /", "200 one|Date: -50s" + fresh60, "asked 200 one"},
		{"GET /", "200 two", "hit 200 one|Age: 50"}}},
	{"the Date of what is served is its own", "9110 6.6.1", "fresh", []step{
		{"GET /", "200 one|Date: Sat, 01 Jan 2000 00:00:00 GMT|Cache-Control: max-age=2147483648", "asked 200 one"},
		{"GET /", "200 two", "hit 200 one|Date: Sat, 01 Jan 2000 00:00:00 GMT"}}},

	// What may be stored.
	{"no-store", "9111 5.2.2.5", "fresh", []step{
		{"GET /", "200 one|Cache-Control: no-store, max-age=60", "asked 200 one"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"no-cache", "9111 5.2.2.4", "fresh", []step{
		{"GET /", `200 one|Cache-Control: no-cache, max-age=60|Etag: "v1"`, "asked 200 one"},
		{"GET /", `304|Etag: "v1"`, "validated 200 one|Cache-Status: safetrip; fwd=stale; fwd-status=304; ttl=60"}}},
	{"private", "9111 5.2.2.7", "fresh", []step{
		{"GET /", "200 one|Cache-Control: private, max-age=60", "asked 200 one"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"Authorization", "9111 3.5", "fresh", []step{
		{"GET /|Authorization: Basic YQ==", "200 one" + fresh60, "asked 200 one"},
		{"GET /", "200 two", "asked 200 two"},
		{"GET /|Authorization: Basic Yg==", "200 three", "asked 200 three"}}},
	{"a request that says no-store", "9111 5.2.1.5", "fresh", []step{
		{"GET /|Cache-Control: no-store", "200 one" + fresh60, "asked 200 one"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"404 with a lifetime", "9111 3", "fresh", []step{
		{"GET /", "404 one" + fresh60, "asked 404 one"},
		{"GET /", "200 two", "hit 404 one"}}},
	{"302 with a lifetime", "9111 3", "fresh", []step{
		{"GET /", "302|Location: /x" + fresh60, "asked 302 -"},
		{"GET /", "200 two", "hit 302 -|Location: /x"}}},
	{"206 is no whole", "9111 3.3", "fresh", []step{
		{"GET /|Range: bytes=0-2", "206 one|Content-Range: bytes 0-2/9" + fresh60, "asked 206 one|Content-Range: bytes 0-2/9"},
		{"GET /", "200 onetwotre" + fresh60, "asked 200 onetwotre"},
		{"GET /", "200 two", "hit 200 onetwotre"}}},
	{"206 that nobody asked for", "9111 3.3", "fresh", []step{
		{"GET /", "206 one|Content-Range: bytes 0-2/9" + fresh60, "asked 206 one"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"a Range passes", "9111 3.3", "fresh", []step{
		{"GET /", "200 onetwotre" + fresh60, "asked 200 onetwotre"},
		{"GET /|Range: bytes=0-2", "206 one|Content-Range: bytes 0-2/9", "asked 206 one"}}},
	{"a status that nobody knows", "9111 3", "fresh", []step{
		{"GET /", "299 one" + fresh60, "asked 299 one"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"what belonged to the connection is not stored", "9111 3.1", "fresh", []step{
		{"GET /", "200 one|Connection: X-Hop|X-Hop: 1|X-End: 2|Proxy-Authenticate: Basic" + fresh60, "asked 200 one|X-Hop: -|X-End: 2"},
		{"GET /", "200 two", "hit 200 one|X-Hop: -|X-End: 2|Proxy-Authenticate: -"}}},
	{"headers of any name are", "9111 3.1", "fresh", []step{
		{"GET /", "200 one|X-Unknown: 1|Content-Language: en|Link: </a>|Content-Type: text/x" + fresh60, "asked 200 one"},
		{"GET /", "200 two", "hit 200 one|X-Unknown: 1|Content-Language: en|Link: </a>|Content-Type: text/x"}}},

	// Vary.
	{"the same value", "9111 4.1", "fresh", []step{
		{"GET /|Accept: a", "200 one|Vary: Accept" + fresh60, "asked 200 one"},
		{"GET /|Accept: a", "200 two", "hit 200 one|Vary: Accept"}}},
	{"another value", "9111 4.1", "fresh", []step{
		{"GET /|Accept: a", "200 one|Vary: Accept" + fresh60, "asked 200 one"},
		{"GET /|Accept: b", "200 two|Vary: Accept" + fresh60, "asked 200 two"},
		{"GET /|Accept: a", "200 three", "hit 200 one"},
		{"GET /|Accept: b", "200 three", "hit 200 two"},
		{"GET /", "200 three", "asked 200 three"}}},
	{"two names", "9111 4.1", "fresh", []step{
		{"GET /|Accept: a|X-B: 1", "200 one|Vary: accept, x-b" + fresh60, "asked 200 one"},
		{"GET /|X-B: 1|Accept: a", "200 two", "hit 200 one"},
		{"GET /|Accept: a|X-B: 2", "200 two", "asked 200 two"}}},
	{"*", "9111 4.1", "fresh", []step{
		{"GET /", "200 one|Vary: *" + fresh60, "asked 200 one"},
		{"GET /", "200 two", "asked 200 two"}}},

	// What a request may ask.
	{"request no-cache", "9111 5.2.1.4", "fresh", []step{
		{"GET /", `200 one|Etag: "v1"` + fresh60, "asked 200 one"},
		{"GET /|Cache-Control: no-cache", `304|Etag: "v1"`, "validated 200 one"},
		{"GET /|Cache-Control: no-cache", "200 two" + fresh60, "validated 200 two"},
		{"GET /", "200 three", "hit 200 two"}}},
	{"Pragma: no-cache", "9111 5.4", "fresh", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one"},
		{"GET /|Pragma: no-cache", "200 two", "asked 200 two"}}},
	{"request max-age", "9111 5.2.1.1", "fresh", []step{
		{"GET /", "200 one|Age: 30" + fresh60, "asked 200 one"},
		{"GET /|Cache-Control: max-age=40", "200 two", "hit 200 one"},
		{"GET /|Cache-Control: max-age=20", "200 two", "asked 200 two"}}},
	{"max-stale", "9111 5.2.1.2", "fresh", []step{
		{"GET /", "200 one|Age: 70" + fresh60, "asked 200 one"},
		{"GET /|Cache-Control: max-stale=9", "200 two|Cache-Control: no-store", "asked 200 two"},
		{"GET /|Cache-Control: max-stale=20", "200 two", "hit 200 one|Age: 70|Cache-Status: safetrip; hit; ttl=-10"},
		{"GET /|Cache-Control: max-stale", "200 two", "hit 200 one"}}},
	{"min-fresh", "9111 5.2.1.3", "fresh", []step{
		{"GET /", "200 one|Age: 50" + fresh60, "asked 200 one"},
		{"GET /|Cache-Control: min-fresh=5", "200 two", "hit 200 one"},
		{"GET /|Cache-Control: min-fresh=20", "200 two", "asked 200 two"}}},
	{"only-if-cached", "9111 5.2.1.7", "fresh", []step{
		{"GET /|Cache-Control: only-if-cached", "200 no", "hit 504 -|Cache-Status: safetrip; detail=only-if-cached"},
		{"GET /", "200 one" + fresh60, "asked 200 one"},
		{"GET /|Cache-Control: only-if-cached", "200 no", "hit 200 one"}}},
	{"must-revalidate against max-stale", "9111 5.2.2.2", "fresh", []step{
		{"GET /", "200 one|Age: 70|Cache-Control: max-age=60, must-revalidate", "asked 200 one"},
		{"GET /|Cache-Control: max-stale", "200 two", "asked 200 two"}}},
	{"proxy-revalidate against max-stale", "9111 5.2.2.8", "fresh", []step{
		{"GET /", "200 one|Age: 70|Cache-Control: max-age=60, proxy-revalidate", "asked 200 one"},
		{"GET /|Cache-Control: max-stale", "200 two", "asked 200 two"}}},
	{"s-maxage against max-stale", "9111 5.2.2.10", "fresh", []step{
		{"GET /", "200 one|Age: 70|Cache-Control: s-maxage=60", "asked 200 one"},
		{"GET /|Cache-Control: max-stale", "200 two", "asked 200 two"}}},

	// Validation.
	{"by entity tag and date, and a 304 makes fresh", "9111 4.3.3", "fresh", []step{
		{"GET /", `200 one|Etag: "v1"|Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT|X-A: 1|X-B: 1` + stale60, "asked 200 one"},
		{"GET /", `304|Etag: "v1"|X-A: 2|Age: 0` + fresh60, "validated 200 one|X-A: 2|X-B: 1|Cache-Status: safetrip; fwd=stale; fwd-status=304; ttl=60"},
		{"GET /", "200 two", "hit 200 one|X-A: 2|X-B: 1|Etag: \"v1\""}}},
	{"a 200 takes its place", "9111 4.3.3", "fresh", []step{
		{"GET /", `200 one|Etag: "v1"` + stale60, "asked 200 one"},
		{"GET /", `200 two|Etag: "v2"` + fresh60, "validated 200 two|Etag: \"v2\"|Cache-Status: safetrip; fwd=stale"},
		{"GET /", "200 three", "hit 200 two"}}},
	{"a client's condition on what is fresh", "9111 4.3.2", "fresh", []step{
		{"GET /", `200 one|Etag: "v1"|Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT` + fresh60, "asked 200 one"},
		{`GET /|If-None-Match: "v1"`, "200 two", `hit 304 -|Etag: "v1"|Age: *`},
		{`GET /|If-None-Match: "x", W/"v1"`, "200 two", "hit 304 -"},
		{`GET /|If-None-Match: "v2"`, "200 two", "hit 200 one"},
		{"GET /|If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT", "200 two", "hit 304 -"},
		{"GET /|If-Modified-Since: Fri, 31 Dec 1999 00:00:00 GMT", "200 two", "hit 200 one"}}},
	{"a client's condition on what is not stored", "9111 4.3.2", "fresh", []step{
		{`GET /|If-None-Match: "v1"`, `304|Etag: "v1"`, `asked 304 -|Etag: "v1"`}}},

	// HEAD.
	{"HEAD from a stored GET", "9111 4", "fresh", []step{
		{"GET /", "200 one|X-A: 1" + fresh60, "asked 200 one"},
		{"HEAD /", "200 -", "hit 200 -|X-A: 1|Content-Length: 3"}}},
	{"HEAD does not answer a GET", "9110 9.3.2", "fresh", []step{
		{"HEAD /", "200|Content-Length: 3" + fresh60, "asked 200 -|Content-Length: 3"},
		{"GET /", "200 one", "asked 200 one"}}},
	{"a HEAD brings a GET up to date", "9111 4.3.5", "fresh", []step{
		{"GET /", `200 one|Etag: "v1"|X-A: 1` + stale60, "asked 200 one"},
		{"HEAD /", `200|Etag: "v1"|X-A: 2|Content-Length: 3|Age: 0` + fresh60, "validated 200 -|X-A: 2"},
		{"GET /", "200 two", "hit 200 one|X-A: 2"}}},
	{"a HEAD that tells of a change", "9111 4.3.5", "fresh", []step{
		{"GET /", `200 one|Etag: "v1"` + fresh60, "asked 200 one"},
		{"HEAD /|Cache-Control: no-cache", `200|Etag: "v2"|Content-Length: 3` + fresh60, "validated 200 -"},
		{"GET /", "200 two", "asked 200 two"}}},

	// Invalidation.
	{"POST", "9111 4.4", "fresh", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one"},
		{"POST /", "200 done", "asked 200 done|Cache-Status: safetrip; fwd=method"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"PUT", "9111 4.4", "fresh", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one"},
		{"PUT /", "204", "asked 204 -"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"DELETE", "9111 4.4", "fresh", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one"},
		{"DELETE /", "204", "asked 204 -"},
		{"GET /", "404 two", "asked 404 two"}}},
	{"a method that nobody knows", "9111 4.4", "fresh", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one"},
		{"FROB /", "200 done", "asked 200 done"},
		{"GET /", "200 two", "asked 200 two"}}},
	{"but not an error", "9111 4.4", "fresh", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one"},
		{"POST /", "500 no", "asked 500 no"},
		{"GET /", "200 two", "hit 200 one"}}},
	{"nor a safe method", "9111 4.4", "fresh", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one"},
		{"OPTIONS /", "200 done", "asked 200 done"},
		{"GET /", "200 two", "hit 200 one"}}},
	{"what Location names", "9111 4.4", "fresh", []step{
		{"GET /a", "200 one" + fresh60, "asked 200 one"},
		{"POST /b", "201|Location: /a", "asked 201 -"},
		{"GET /a", "200 two", "asked 200 two"}}},
	{"what Location names in full", "9111 4.4", "fresh -keep-host", []step{
		{"GET /a|Host: public.example", "200 one" + fresh60, "asked 200 one"},
		{"POST /b|Host: public.example", "201|Location: http://public.example/a", "asked 201 -"},
		{"GET /a|Host: public.example", "200 two", "asked 200 two"}}},
	{"what Content-Location names", "9111 4.4", "fresh", []step{
		{"GET /a", "200 one" + fresh60, "asked 200 one"},
		{"POST /b", "200|Content-Location: a", "asked 200 -"},
		{"GET /a", "200 two", "asked 200 two"}}},
	{"but not on another origin", "9111 4.4", "fresh -keep-host", []step{
		{"GET /a|Host: public.example", "200 one" + fresh60, "asked 200 one"},
		{"POST /b|Host: public.example", "201|Location: http://other.example/a", "asked 201 -"},
		{"GET /a|Host: public.example", "200 two", "hit 200 one"}}},
	{"hosts are not told apart that the upstream does not see", "9111 2", "fresh", []step{
		{"GET /|Host: a.example", "200 one" + fresh60, "asked 200 one"},
		{"GET /|Host: b.example|X-Forwarded-Host: c.example", "200 two", "hit 200 one"}}},
	{"hosts are apart", "9111 2", "fresh -keep-host", []step{
		{"GET /|Host: a.example", "200 one" + fresh60, "asked 200 one"},
		{"GET /|Host: b.example", "200 two", "asked 200 two"}}},
	{"queries are apart", "9111 2", "fresh", []step{
		{"GET /?a", "200 one" + fresh60, "asked 200 one"},
		{"GET /?b", "200 two", "asked 200 two"},
		{"GET /?a", "200 two", "hit 200 one"}}},

	// In place of a failure.
	{"a stale answer for a 503", "9111 4.3.3", "fresh", []step{
		{"GET /", "200 one" + stale60, "asked 200 one"},
		{"GET /", "503 down", "asked 200 one|Age: 61|Cache-Status: safetrip; fwd=stale; fwd-status=503; ttl=-1; detail=cached"}}},
	{"a stale answer for no answer", "9111 4.2.4", "fresh", []step{
		{"GET /", "200 one" + stale60, "asked 200 one"},
		{"GET /", "down", "asked 200 one|Cache-Status: safetrip; fwd=stale; ttl=-1; detail=cached"}}},
	{"stale-if-error that has time", "5861 4", "fresh", []step{
		{"GET /", "200 one|Age: 61|Cache-Control: max-age=60, stale-if-error=60", "asked 200 one"},
		{"GET /", "500 down", "asked 200 one"}}},
	{"stale-if-error that has none left", "5861 4", "fresh", []step{
		{"GET /", "200 one|Age: 130|Cache-Control: max-age=60, stale-if-error=60", "asked 200 one"},
		{"GET /", "500 down", "asked 500 down"}}},
	{"must-revalidate is not stood in for", "9111 5.2.2.2", "fresh", []step{
		{"GET /", "200 one|Age: 61|Cache-Control: max-age=60, must-revalidate", "asked 200 one"},
		{"GET /", "503 down", "asked 503 down"},
		{"GET /", "down", "asked 502 *|Cache-Status: safetrip; fwd=miss; detail=network"}}},
	{"proxy-revalidate is not", "9111 5.2.2.8", "fresh", []step{
		{"GET /", "200 one|Age: 61|Cache-Control: max-age=60, proxy-revalidate", "asked 200 one"},
		{"GET /", "503 down", "asked 503 down"}}},
	{"s-maxage is not", "9111 5.2.2.10", "fresh", []step{
		{"GET /", "200 one|Age: 61|Cache-Control: s-maxage=60", "asked 200 one"},
		{"GET /", "503 down", "asked 503 down"}}},
	{"no-cache is not", "9111 5.2.2.4", "fresh", []step{
		{"GET /", `200 one|Etag: "v1"|Cache-Control: no-cache`, "asked 200 one"},
		{"GET /", "503 down", "validated 503 down"}}},
	{"what the client has to know is not", "9111 4.2.4", "fresh", []step{
		{"GET /", "200 one" + stale60, "asked 200 one"},
		{"GET /", "403 no", "asked 403 no"}}},
	{"stale-while-revalidate", "5861 3", "fresh", []step{
		{"GET /", "200 one|Age: 61|Cache-Control: max-age=60, stale-while-revalidate=60", "asked 200 one"},
		{"GET /", "200 two" + fresh60, "served 200 one|Cache-Status: safetrip; hit; ttl=-1"}}},

	// With -cache fallback every call goes out.
	{"fresh or not, it is asked", "9111 4", "fallback", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one|Cache-Status: safetrip; fwd=bypass"},
		{"GET /", "200 two" + fresh60, "asked 200 two"}}},
	{"a fresh answer stands in", "9111 4.2.4", "fallback", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one"},
		{"GET /", "down", "asked 200 one|Age: 0|Cache-Status: safetrip; fwd=bypass; ttl=60; detail=cached"}}},
	{"so does one that says nothing of caching", "9111 4.2.4", "fallback", []step{
		{"GET /", "200 one", "asked 200 one"},
		{"GET /", "503 down", "asked 200 one|Cache-Status: safetrip; fwd=stale; fwd-status=503; ttl=0; detail=cached"}}},
	{"but not no-store", "9111 5.2.2.5", "fallback", []step{
		{"GET /", "200 one|Cache-Control: no-store", "asked 200 one"},
		{"GET /", "503 down", "asked 503 down|Cache-Status: safetrip; fwd=bypass"}}},
	{"nor to others than the one who asked", "9111 3.5", "fallback", []step{
		{"GET /|Authorization: Basic YQ==", "200 one", "asked 200 one"},
		{"GET /|Authorization: Basic Yg==", "503 down", "asked 503 down"},
		{"GET /", "503 down", "asked 503 down"},
		{"GET /|Authorization: Basic YQ==", "503 down", "asked 200 one"}}},
	{"a validator that the client holds gets the origin's 304", "9111 4.3.2", "fallback", []step{
		{"GET /", `200 one|Etag: "v1"`, "asked 200 one"},
		{`GET /|If-None-Match: "v1"`, `304|Etag: "v1"`, "asked 304 -"},
		{`GET /|If-None-Match: "v1"`, "down", "asked 304 -"}}},

	// With -cache off there is no cache.
	{"nothing is kept", "9111 2", "off", []step{
		{"GET /", "200 one" + fresh60, "asked 200 one|Cache-Status: -|Age: -"},
		{"GET /", "503 down", "asked 503 down|Cache-Status: -"},
		{"GET /", "down", "asked 502 *|Cache-Status: -"}}},
	{"Cache-Status of others passes", "9211 2", "off", []step{
		{"GET /", "200 one|Cache-Status: cdn; hit", "asked 200 one|Cache-Status: cdn; hit"}}},
	{"Cache-Status of others stays in front", "9211 2", "fallback", []step{
		{"GET /", "200 one|Cache-Status: cdn; hit", "asked 200 one|Cache-Status: cdn; hit, safetrip; fwd=bypass"}}},
}

func TestRFC9111ThroughSockets(t *testing.T) {
	for _, row := range rfc {
		t.Run(row.clause+" "+row.does, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t)
			p := start(t, o.URL, append([]string{"-cache"}, strings.Fields(row.cache)...)...)
			c := client(t)
			for i, s := range row.steps {
				s.take(t, fmt.Sprintf("step %d: %s: ", i+1, s.send), o, p, c)
			}
		})
	}
}

func (s step) take(t *testing.T, at string, o *origin, p *program, c *http.Client) {
	t.Helper()
	o.does(says(s.origin))
	before := o.calls()
	resp, body := send(t, c, p.URL, s.send)
	first, lines, _ := strings.Cut(s.want, "|")
	want := strings.Fields(first)
	got := "hit"
	if o.calls() > before {
		got = "asked"
		if conditional(o.last().Header) && !strings.Contains(s.send, "|If-") {
			got = "validated"
		}
	}
	if got != want[0] && want[0] != "served" { // served: and asked about in the background, now or a little later
		t.Errorf("%sit was %s, want %s (Cache-Status: %q)", at, got, want[0], resp.Header["Cache-Status"])
	}
	if resp.Status[:3] != want[1] {
		t.Errorf("%sstatus %s, want %s", at, resp.Status[:3], want[1])
	}
	if len(want) > 2 && want[2] != "*" && body != strings.TrimPrefix(want[2], "-") {
		t.Errorf("%sbody %q, want %q", at, body, want[2])
	}
	for name, values := range header(lines) {
		value := strings.Join(resp.Header[name], ", ")
		switch {
		case values[0] == "*" && value != "":
		case values[0] == "-" && value == "":
		case values[0] == value || soon(values[0], value):
		default:
			t.Errorf("%s%s is %q, want %q", at, name, value, values[0])
		}
	}
}

// soon reports whether got is what want was some seconds ago.
func soon(want, got string) bool {
	before, w, ok1 := strings.Cut(want, "ttl=")
	begins, g, ok2 := strings.Cut(got, "ttl=")
	if ok1 != ok2 || ok1 && before != begins {
		return false
	}
	sign := -1 // a ttl sinks
	if !ok1 {
		sign, w, g = 1, want, got
	}
	w, rest1, _ := strings.Cut(w, ";")
	g, rest2, _ := strings.Cut(g, ";")
	from, err1 := strconv.Atoi(w)
	to, err2 := strconv.Atoi(g)
	later := sign * (to - from)
	return err1 == nil && err2 == nil && rest1 == rest2 && later >= 0 && later <= 5
}
