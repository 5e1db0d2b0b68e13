// Package fallback answers when a service does not: from what the service
// answered before, from another service, or with something made up.
//
//	cache := &fallback.Cache{}
//	ladder := &fallback.Ladder{
//		Name: "users",
//		Steps: []fallback.Step{
//			cache.Step(), // the last good answer
//			fallback.Alternative{URL: "https://eu.example.com"}.Step(nil),  // a second region
//			fallback.JSON(http.StatusOK, map[string]any{"users": []int{}}), // better than nothing
//		},
//	}
//	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
//		ladder.Wrap, // a step down when everything below has failed
//		cache.Wrap,  // keeps what the ladder's first step serves
//		transport.Deadline{Total: 30 * time.Second}.Wrap,
//		transport.Retry{}.Wrap,
//		breaker.Wrap,
//	)}
//
// Callers see an *http.Response as ever. That it was not the service's own they
// can see by its Cache-Status and Age headers and by the [transport.Trip].
//
// # The ladder
//
//	call ──▶ service ── ok, 404, 401, canceled ──▶ caller         full
//	            │
//	            │ 5xx, 429, no connection, timeout, open circuit, cut answer
//	            ▼
//	         step 1 ── answer ──▶ caller                           degraded
//	            │ none
//	            ▼
//	         step 2 ── answer ──▶ caller                           degraded
//	            │ none
//	            ▼
//	         what the service said ──▶ caller                      offline, the third time in a row
//
// A [Ladder] asks its steps when the verdict on a call is system, network,
// timeout, rate_limit or circuit_open, or data with a failed outcome, which is
// an answer that was cut or malformed. What the caller has to know (auth,
// validation, a 404) it passes on, and once the caller's context is over it
// does nothing at all. It must stand outside of what tries: inside of
// [transport.Retry] it would answer the first attempt, and there would never be
// a second one.
//
// The response that a step's answer replaces is drained, within bounds, and
// closed. If no step has an answer, the caller gets that response, still to be
// read; or the error, in an [*Error] if steps failed too.
//
// # What the cache keeps
//
// [Cache.Wrap] keeps the answers to GET requests that have status 200, 203,
// 204, 300, 301 or 308, and those to POST requests that PostKey has a key for.
// What says how long it is fresh may have status 302, 303 or 307 as well, and,
// with ServeFresh, 404 or 410. An answer is kept when its body was read to its
// end; the bytes are kept as the reader sees them, so that a body streams as it
// would without the cache. A body is also at its end when Content-Length bytes
// were read. JSON decoders leave the end of a body without a length unread:
// Close then looks for it, in at most 512 bytes and 5 ms more.
//
// Other answers pass untouched, with the very body that the service gave:
// error answers (which do not drop what is kept either, but for 404 and 410),
// parts (206), bodies above 1 MiB, event streams, gRPC, upgrades, answers with
// nothing in them and nothing to say of caching, and those that say no-store,
// vary by *, or say what we do not understand; and bodies whose end is that of
// their connection, as in HTTP/1.0, where nobody can tell it from a cut. So do
// answers to requests with Range, Upgrade, If-Match, If-Unmodified-Since or
// no-store, and to GET requests with a body.
//
// Set-Cookie and what belonged to one connection are never handed out again.
//
// # For whom it keeps it
//
// One client usually works for many users, so a cache is shared between them in
// the sense of RFC 9111, with one thing added: what was answered to a request
// with credentials is kept for the same credentials alone, and there it may be
// private. Credentials are the headers Authorization, Proxy-Authorization,
// Cookie, X-Api-Key, Api-Key, X-Goog-Api-Key, X-Auth-Token, X-Access-Token,
// Private-Token, X-Vault-Token, X-Amz-Security-Token, DPoP,
// Ocp-Apim-Subscription-Key and X-Functions-Key, in any spelling; those in
// [Cache.Credentials]; the user and password of a URL; and whatever
// [Cache.Partition] says.
//
// Services forget to say Vary. So answers are told apart as well by headers
// that look like a credential (X-Acme-Token, X-Acme-Key, X-Acme-Signature and
// the like), by those in which proxies name the user (X-Forwarded-User,
// X-User-Id, X-Tenant-Id and the like), and by those that lead a request to
// another place (X-Forwarded-Host, X-Original-Url, X-HTTP-Method-Override and
// the like), with which a stranger could otherwise put an answer of their making
// where others find it. X-Forwarded-For is not among them, and none of them
// makes an answer private to anybody.
//
// The key of a response is an HMAC-SHA256 over the method's kind, the URL, the
// host, the credentials, and the values of the headers that Vary names, each
// part with its length. It is made anew for every question, also when the
// service has failed, so that Alice's answer cannot become Bob's because the
// 503 did not say Vary.
//
// A wrapper further in that adds a token is out of the cache's sight: that is
// the classic mistake. Put it outside of the cache, or set Partition. Where the
// request that was sent can be seen on the response and has other credentials,
// another user or another query, and Partition says nothing, the cache keeps
// nothing.
//
// What tells users apart is part of each key: Caches that share a Store and are
// set to tell them apart differently share nothing.
//
// # What may be served when
//
// Without a call, and only with ServeFresh: what is fresh by s-maxage, max-age
// or Expires (RFC 9111, section 4.2), or by a guess with Heuristic; what is
// stale if the request says max-stale, or the answer said
// stale-while-revalidate and [Cache.Run] runs to ask in the background. A stale
// answer with a validator is asked about by a conditional request.
// With only-if-cached the service is not asked in any case: if there is nothing
// fresh, a 504 is made. (Without ServeFresh every call goes out, that one too.)
//
// In place of a failure, by [Cache.Step]: what is fresh; and what is stale, as
// long as stale-if-error says, or where nothing was said, for TTL from when it
// was stored. Never what says must-revalidate, proxy-revalidate, s-maxage or
// no-cache and is not fresh; never a 404 or 410; never against the request's
// own no-cache, no-store, max-age, min-fresh or max-stale; never to a request
// with Range, If-Match or If-Unmodified-Since.
//
// An unsafe request that goes well forgets what is kept under its URL, for all
// users, and under its answer's Location and Content-Location if they are of
// the same origin (section 4.4); also answers that were under way meanwhile.
//
// # Cache-Status
//
// Answers that the service gave are as it gave them. On others the kit adds a
// member to Cache-Status (RFC 9211), as the last one:
//
//	safetrip; hit; ttl=30                                            fresh, nobody was asked
//	safetrip; fwd=stale; fwd-status=304; ttl=60                      stale, and confirmed
//	safetrip; fwd=miss; collapsed; ttl=60                            another call's answer: Coalesce
//	safetrip; fwd=stale; fwd-status=503; ttl=-30; detail=cached      a stale answer stands in
//	safetrip; fwd=bypass; ttl=30; detail=cached                      a fresh one does; there was no connection
//	safetrip; fwd=miss; fwd-status=503; detail=static                another step answered
//
// A member of that name in what a service sends is renamed to
// upstream-safetrip.
//
// # Stores
//
// Responses are kept in a [Memory], which is bounded in bytes; what was longest
// unused leaves first. A [Store] of another kind is for processes that share
// their answers. What goes there is sealed under [Cache.Secret], and what comes
// from there is a miss unless it is whole, under its own key and of a version
// that is known. A Store that fails or hangs costs a lookup its StoreTimeout
// and a call nothing else: writing is done in the background.
//
// # Defaults
//
//	Ladder.OfflineAfter  3
//	Ladder.MaxKeys       10000
//	Cache.TTL            1h0m0s
//	Cache.MaxBytes       67108864 bytes
//	Cache.MaxBody        1048576 bytes
//	Cache.StoreTimeout   50ms
//	NewMemory            67108864 bytes
//
// # What is left out
//
// No partial content: parts are neither kept nor cut from a whole. No answers
// to HEAD are kept, though HEAD is answered from a GET's. No public answer to
// a request with credentials is shared, which RFC 9111, section 3.5, would
// allow: origins say public too easily. No warm-up, no tags, no purge by
// pattern: whoever needs those needs a cache server. No way to make the cache
// serve what the service forbade.
//
// # How to read the code
//
// ladder.go and level.go are the ladder; step.go and alternate.go its steps.
// caching.go is the cache's way through a call, from which consult.go (before
// the service is asked) and keep.go (after) branch off. freshness.go decides,
// cachecontrol.go, vary.go, date.go and asking.go read headers, key.go makes
// keys, for which credentials.go and signs.go say what tells users apart,
// tee.go watches bodies, shelving.go puts and finds, invalidate.go and
// refresh.go keep what is there true, reply.go and status.go make answers.
package fallback
