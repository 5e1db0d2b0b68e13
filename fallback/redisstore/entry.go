package redisstore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// What [Store.Get] returns for an entry that cannot be used. All of them mean
// that there is no value.
var (
	ErrDamaged  = errors.New("redisstore: the entry is damaged, or another key's")
	ErrVersion  = errors.New("redisstore: the entry has another version")
	ErrKey      = errors.New("redisstore: the entry is not encrypted under a key that is known")
	ErrTooLarge = errors.New("redisstore: the key or the value is too large")
)

// The parts of an entry; doc.go has the whole.
const (
	version   = 1
	plain     = 'p'
	encrypted = 'e'

	headSize  = 4
	plainSize = headSize + 4 + 4 // what comes before a plain value
)

// seal returns value as the entry that is kept under name.
func (r *keyring) seal(name string, value []byte) []byte {
	if len(r.keys) > 0 {
		return r.keys[0].encrypt(name, value)
	}
	b := make([]byte, 0, plainSize+len(value))
	b = append(b, 'S', 'R', version, plain)
	b = binary.BigEndian.AppendUint32(b, checksum(name, value))
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// open is the inverse of seal. The value may share the entry's memory.
func (r *keyring) open(name string, entry []byte) ([]byte, error) {
	switch {
	case len(entry) < headSize || entry[0] != 'S' || entry[1] != 'R':
		return nil, ErrDamaged
	case entry[2] != version:
		return nil, ErrVersion
	case entry[3] == encrypted:
		return r.decrypt(name, entry)
	case entry[3] != plain:
		return nil, ErrDamaged
	case len(r.keys) > 0: // anybody could have written it
		return nil, ErrKey
	case len(entry) < plainSize:
		return nil, ErrDamaged
	}
	sum, length := binary.BigEndian.Uint32(entry[headSize:]), binary.BigEndian.Uint32(entry[headSize+4:])
	value := entry[plainSize:]
	if uint64(length) != uint64(len(value)) || sum != checksum(name, value) {
		return nil, ErrDamaged
	}
	return value, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers the name too, so that a value is not taken for another's. It
// is to find accidents, and a fast one does: a hash that nobody can forge takes
// as long as Redis itself, and without a key would keep nobody from forging.
func checksum(name string, value []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, []byte(name)), castagnoli, value)
}
