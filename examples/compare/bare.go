package main

import "net/http"

// bare is the base itself: the limit that nobody can beat.
var bare = contender{
	name: "bare",
	does: "the limit",
	wrap: func(base http.RoundTripper, _ setting) http.RoundTripper { return base },
}

// httpClient is what net/http's own Client costs, which contenders that are
// clients of their own stand upon and include.
var httpClient = contender{
	name: "http.Client",
	does: "redirects, cookies",
	client: func(base http.RoundTripper, _ setting) sender {
		return (&http.Client{Transport: base}).Do
	},
}
