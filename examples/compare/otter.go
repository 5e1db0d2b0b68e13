package main

import (
	"time"

	"github.com/maypok86/otter/v2"
)

// otterCache is maypok86/otter with a bound in bytes and an expiry, as the kit's
// Memory has them.
var otterCache = keeper{
	name: "otter", does: "store, bounded in bytes",
	open: stored(func() (func(string) bool, func(string, []byte)) {
		c := otter.Must(&otter.Options[string, []byte]{
			MaximumWeight:    1 << 30,
			Weigher:          func(key string, value []byte) uint32 { return uint32(len(key) + len(value)) },
			ExpiryCalculator: otter.ExpiryWriting[string, []byte](time.Hour),
		})
		get := func(key string) bool { _, ok := c.GetIfPresent(key); return ok }
		set := func(key string, value []byte) { c.Set(key, value) }
		return get, set
	}),
}
