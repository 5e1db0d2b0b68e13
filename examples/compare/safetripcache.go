package main

import (
	"context"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
)

// The kit's HTTP cache, and the store beneath it on its own.
var (
	kitCache = keeper{
		name: "safetrip Cache", does: "HTTP cache, per user, bounded",
		open: requester(func(base http.RoundTripper) http.RoundTripper {
			return (&fallback.Cache{ServeFresh: true, MaxBytes: 1 << 30}).Wrap(base)
		}),
	}
	kitMemory = keeper{
		name: "safetrip Memory", does: "store, bounded in bytes",
		open: stored(func() (func(string) bool, func(string, []byte)) {
			m := fallback.NewMemory(1 << 30)
			get := func(key string) bool {
				value, err := m.Get(context.Background(), key)
				return err == nil && value != nil
			}
			set := func(key string, value []byte) {
				if err := m.Set(context.Background(), key, value, time.Hour); err != nil {
					panic(err) // a Memory that is open does not fail
				}
			}
			return get, set
		}),
	}
)
