package main

import (
	"net/http"

	"github.com/gregjones/httpcache"
)

// gregjones/httpcache over its map without a bound.
var (
	gregjones = contender{
		name: "httpcache", does: "cache",
		wrap: func(base http.RoundTripper, _ setting) http.RoundTripper { return httpCache(base) },
	}
	gregjonesCache = keeper{name: "httpcache", does: "HTTP cache, one user, no bound", open: requester(httpCache)}
)

func httpCache(base http.RoundTripper) http.RoundTripper {
	t := httpcache.NewMemoryCacheTransport()
	t.Transport = base
	return t
}
