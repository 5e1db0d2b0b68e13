package main

import (
	"crypto/hkdf"
	"crypto/sha256"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/fallback/redisstore"
	"github.com/safetrip-go/safetrip/transport"
)

// A shared is the store of several gateways. A nil one is none.
type shared struct{ *redisstore.Store }

// Close closes it.
func (s *shared) Close() error {
	if s == nil {
		return nil
	}
	return s.Store.Close()
}

// share lets a cache keep its answers in Redis, where all gateways to the same
// upstream with the same secret find them. Of each secret two keys are made:
// one seals and hashes, the other encrypts.
func (o options) share(cache *fallback.Cache, log *slog.Logger) (*shared, error) {
	var seals, keys [][]byte
	for _, secret := range o.secrets {
		seal, err1 := hkdf.Key(sha256.New, []byte(secret), nil, "gateway seal", 32)
		key, err2 := hkdf.Key(sha256.New, []byte(secret), nil, "gateway encrypt", 32)
		if err1 != nil || err2 != nil {
			return nil, err1
		}
		seals, keys = append(seals, seal), append(keys, key)
	}
	store, err := redisstore.New(&redis.UniversalOptions{Addrs: []string{o.redis}}, redisstore.Config{
		Keys:      keys,
		NearBytes: 64 << 20, // what this process has seen is there without Redis, too
		OnChange:  func(c transport.Change) { log.Warn("redis", "circuit", c.To.String(), "open_for", c.OpenFor) },
	})
	if err != nil {
		return nil, err
	}
	cache.Store, cache.Secret, cache.OldSecrets = store, seals[0], seals[1:]
	cache.Namespace = "gateway " + o.upstream.String()
	return &shared{store}, nil
}
