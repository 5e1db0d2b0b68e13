package redisstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"slices"
)

// A keyring has the keys of [Config.Keys], none if nothing is encrypted. The
// first one encrypts.
type keyring struct{ keys []sealingKey }

// A sealingKey is what keys of entries are made from.
type sealingKey struct {
	id  [idSize]byte // tells keys apart in entries, and nothing of the key
	prk []byte
}

const (
	idSize    = 4
	saltSize  = 16
	nonceSize = 12
	tagSize   = 16
	openSize  = headSize + idSize + saltSize // what comes before the nonce

	overhead = openSize + nonceSize + tagSize // of an entry, at most
)

func newKeyring(keys [][]byte) (*keyring, error) {
	r := new(keyring)
	for _, k := range keys {
		prk, err := hkdf.Extract(sha256.New, k, nil)
		if err != nil {
			return nil, err
		}
		id, err := hkdf.Expand(sha256.New, prk, "safetrip redisstore id", idSize)
		if err != nil {
			return nil, err
		}
		r.keys = append(r.keys, sealingKey{[idSize]byte(id), prk})
	}
	return r, nil
}

func (k *sealingKey) encrypt(name string, value []byte) []byte {
	b := make([]byte, openSize, overhead+len(value))
	copy(b, []byte{'S', 'R', version, encrypted})
	copy(b[headSize:], k.id[:])
	rand.Read(b[headSize+idSize:]) // never fails
	return k.cipher(b).Seal(b, nil, value, append(slices.Clip(b), name...))
}

func (r *keyring) decrypt(name string, entry []byte) ([]byte, error) {
	if len(entry) < overhead {
		return nil, ErrDamaged
	}
	open, sealed := entry[:openSize:openSize], entry[openSize:]
	id, known := [idSize]byte(open[headSize:]), false
	for i := range r.keys {
		k := &r.keys[i]
		if k.id != id {
			continue
		}
		known = true
		if value, err := k.cipher(open).Open(nil, nil, sealed, append(open, name...)); err == nil {
			if value == nil {
				value = []byte{} // it is there, and empty
			}
			return value, nil
		}
	}
	if !known {
		return nil, ErrKey
	}
	return nil, ErrDamaged
}

// cipher returns the cipher of the entry that begins with open. It panics only
// where AES-256 does not exist.
func (k *sealingKey) cipher(open []byte) cipher.AEAD {
	own, err := hkdf.Expand(sha256.New, k.prk, "safetrip redisstore entry"+string(open[headSize+idSize:openSize]), 32)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return gcm
}
