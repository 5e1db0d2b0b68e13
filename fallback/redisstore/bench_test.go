package redisstore_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/fallback/redisstore"
	"github.com/safetrip-go/safetrip/internal/redistest"
)

// BenchmarkStore is what 4 KiB cost from and to a Redis on the same machine,
// and what it costs to be refused when Redis is not there.
func BenchmarkStore(b *testing.B) {
	value := bytes.Repeat([]byte("x"), 4<<10)
	server := redistest.Start(b)
	for form, config := range map[string]redisstore.Config{
		"plain":              {},
		"encrypted":          {Keys: [][]byte{key1}},
		"plain, with copies": {NearBytes: 1 << 20},
	} {
		store, _ := open(b, server.Addr, patient(config))
		if err := store.Set(context.Background(), "k", value, time.Hour); err != nil {
			b.Fatal(err)
		}
		b.Run("get/"+form, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, err := store.Get(context.Background(), "k"); err != nil || len(got) != len(value) {
					b.Fatal(err)
				}
			}
		})
		b.Run("set/"+form, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := store.Set(context.Background(), "k", value, time.Hour); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	store, _ := open(b, server.Addr, redisstore.Config{FailureThreshold: 1, OpenFor: time.Hour})
	server.Kill()
	b.Run("get/refused", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := store.Get(context.Background(), "k"); err == nil {
				b.Fatal("there is an answer")
			}
		}
	})
}
