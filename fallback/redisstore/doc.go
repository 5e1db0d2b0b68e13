// Package redisstore keeps the answers of a [fallback.Cache] in Redis, where
// all replicas of a program find them: what one of them was answered stands in
// for the service in all.
//
//	store, err := redisstore.New(&redis.UniversalOptions{Addrs: []string{"redis:6379"}}, redisstore.Config{
//		Keys: [][]byte{key}, // if whoever can read Redis may not read what is in it
//	})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//
//	cache := &fallback.Cache{Store: store, Namespace: "billing", Secret: secret}
//	defer cache.Close() // before the store's
//
// Redis need not be there. A [Store] that cannot answer says so within its
// Timeout, which is a miss to the Cache, and never more than that to a call:
//
//	Redis                                     a call waits         and it is counted as
//	answers                                   as long as it takes  Hits, Misses, Stored
//	does not answer                           Timeout, 50 ms       TooLate
//	refuses the connection, or the command    until it says so     Failed
//	did either five times in a row            not at all           Refused
//	has what was cut, changed or swapped      as long as it takes  Damaged
//	has what a later program wrote            as long as it takes  OtherVersion
//	has what is sealed under another key      as long as it takes  OtherKey
//	has more than there may be                as long as it takes  TooLarge
//
// # Who owns what
//
// The Cache decides what is stored, for whom and for how long. Its keys are
// hashes, under its Namespace; its values are sealed under its Secret, so that
// it can tell what was damaged, put under another key or made up; they have a
// version, and it drops what it does not know. It bounds how long one call
// waits for all that it asks of a Store. None of that is done here again.
//
// The Store owns what lies between it and Redis: connections, the time that
// one command may take, the circuit, how large a value may be, and whether
// Redis, its backups and its replicas can read it. It works for whoever wants
// a [fallback.Store], so it does not rely on values that know to be whole:
// each has a checksum over itself and its key. That finds accidents. It is
// no defence against somebody who can write to Redis: for that there are Keys,
// or the Cache's Secret.
//
// # The circuit
//
//	        FailureThreshold failures in a row
//	closed ─────────────────────────────────▶ open
//	   ▲                                    │  ▲
//	   │                       OpenFor is   │  │ no answer;
//	   │ PONG                  over: PING   ▼  │ OpenFor doubles
//	   └─────────────────────────────── half-open
//
// While it is open, and while it is half-open, Redis is not asked. The question
// whether it is back is a PING in the background, sent when somebody wants
// something of it: no call pays for the answer. Whether Redis was in time is
// judged by Timeout alone, not by the patience of the caller, who may leave at
// any time.
//
// # When Redis and the service are both down
//
// A Cache that has only a Redis to look into finds nothing then, though the
// process may have had the answer in its hands a minute ago. With
// [Config.NearBytes] it keeps copies of what it writes and reads. They are not
// a first level: while Redis answers, it alone is asked, and what it has lost
// or replaced goes here too. When it does not, they are better than nothing.
//
// # Entries
//
//	'S' 'R'  version  'p'  checksum (4)  length (4)  value
//	'S' 'R'  version  'e'  key id (4)  salt (16)  nonce (12)  ciphertext  tag (16)
//
// The checksum is CRC-32C over the key and the value, the length the value's.
// Ciphertexts are AES-256-GCM's, with the key and all that comes before the
// nonce as additional data, under a key of the entry's own: HKDF-SHA256 makes
// it from one of [Config.Keys] and the salt, so that there is no limit to how
// many entries a key may seal. Entries end by Redis' own expiry.
//
// To change the key, put the new one in front of Keys and leave the old one
// there until what it sealed has expired. With Keys set, an entry that is not
// encrypted is not believed.
//
// # Defaults
//
//	Config.Timeout           50ms
//	Config.MaxValue          4194304 bytes
//	Config.NearBytes         0: no copies
//	Config.FailureThreshold  5
//	Config.OpenFor           1s
//	Config.MaxOpenFor        30s
//
// What New changes in the options of go-redis: contexts bound what is waited
// for, commands and dials are not repeated, a dial may take 1 s (in the
// background) unless DialTimeout says otherwise, and maintenance notifications
// are off unless they are set.
//
// # What is left out
//
// No lock and no transaction: the last writer wins, and the Cache can live
// with that. No memory of writes that Redis missed: what was invalidated while
// Redis was not there may be served once it is back, within the limits that
// its origin set, until it expires. No eviction: give Redis a maxmemory and a
// policy such as allkeys-lru. No log: go-redis writes a line to standard error
// when it cannot dial, unless the program calls redis.SetLogger.
package redisstore
