package main

import (
	"time"

	gocache "github.com/patrickmn/go-cache"
)

// goCache is patrickmn/go-cache as it is: what the kit's Memory stands on.
var goCache = keeper{
	name: "go-cache", does: "store, no bound",
	open: stored(func() (func(string) bool, func(string, []byte)) {
		c := gocache.New(gocache.NoExpiration, 0)
		get := func(key string) bool { _, ok := c.Get(key); return ok }
		set := func(key string, value []byte) { c.Set(key, value, time.Hour) }
		return get, set
	}),
}
