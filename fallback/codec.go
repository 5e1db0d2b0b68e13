package fallback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

// Values in a Store are
//
//	'S' 'T'  version  kind  fields...  body  seal
//
// Numbers are varints, strings are preceded by their length, times are
// nanoseconds since 1970. The seal is HMAC-SHA256 over the key and all that
// comes before it, cut to 16 bytes: it finds what was damaged, what was put
// under another key, and what somebody made who does not know the Secret.
const (
	codecVersion = 1
	kindEntry    = 'e'
	kindResource = 'r'
	sealSize     = 16
)

// Why a value could not be opened. All are misses.
var (
	errSeal    = errors.New("fallback: a stored value is damaged")
	errVersion = errors.New("fallback: a stored value has another version")
)

// seal encodes an item that is to be stored under k.
func (r *ring) seal(k digest, v item) []byte {
	b := encode(v)
	return append(b, r.sign(k, b)...)
}

// open is the inverse of seal. The result shares memory with sealed.
func (r *ring) open(k digest, sealed []byte) (item, error) {
	n := len(sealed) - sealSize
	if n < 4 || !hmac.Equal(sealed[n:], r.sign(k, sealed[:n])) {
		return nil, errSeal
	}
	return decode(sealed[:n:n])
}

func (r *ring) sign(k digest, b []byte) []byte {
	mac := hmac.New(sha256.New, r.secret)
	mac.Write([]byte{'S'}) // no key begins so
	mac.Write(k[:])
	mac.Write(b)
	return mac.Sum(nil)[:sealSize]
}

func encode(v item) []byte {
	switch v := v.(type) {
	case *entry:
		return v.encode()
	case *resource:
		return v.encode()
	}
	panic("fallback: encode: not an item")
}

func decode(b []byte) (item, error) {
	switch {
	case len(b) < 4 || b[0] != 'S' || b[1] != 'T':
		return nil, errSeal
	case b[2] != codecVersion:
		return nil, errVersion
	case b[3] == kindEntry:
		return decodeEntry(b)
	case b[3] == kindResource:
		return decodeResource(b)
	}
	return nil, errVersion
}

// The flags of an entry.
const (
	flagExplicit = 1 << iota
	flagNoCache
	flagMustRevalidate
	flagUncompressed
)

func (e *entry) encode() []byte {
	b := make([]byte, 0, 96+len(e.spec)+len(e.head)+len(e.body)+sealSize)
	b = append(b, 'S', 'T', codecVersion, kindEntry)
	b = append(b, flag(e.explicit, flagExplicit)|flag(e.noCache, flagNoCache)|
		flag(e.mustRevalidate, flagMustRevalidate)|flag(e.uncompressed, flagUncompressed))
	b = binary.AppendUvarint(b, uint64(e.status))
	for _, d := range [...]time.Duration{e.life, e.staleIfError, e.staleWhileRevalidate, e.age} {
		b = binary.AppendUvarint(b, uint64(d+1)) // absent is -1
	}
	b = binary.AppendUvarint(b, uint64(e.received.UnixNano()))
	b = appendString(b, e.spec)
	b = appendString(b, string(e.head))
	return append(b, e.body...)
}

func flag(on bool, f byte) byte {
	if on {
		return f
	}
	return 0
}

func decodeEntry(b []byte) (item, error) {
	if len(b) < 5 {
		return nil, errSeal
	}
	flags := b[4]
	r := byteReader{b: b[5:]}
	e := &entry{uncompressed: flags&flagUncompressed != 0}
	e.explicit, e.noCache, e.mustRevalidate = flags&flagExplicit != 0, flags&flagNoCache != 0, flags&flagMustRevalidate != 0
	status := r.uvarint()
	e.life, e.staleIfError, e.staleWhileRevalidate, e.age = r.duration(), r.duration(), r.duration(), r.duration()
	e.received = time.Unix(0, int64(r.uvarint()))
	e.spec, e.head = string(r.bytes()), fields(r.bytes())
	e.status, e.body = int(status), r.b
	if r.bad || status < 100 || status > 999 || min(e.life, e.age) < 0 || min(e.staleIfError, e.staleWhileRevalidate) < absent {
		return nil, errSeal
	}
	if err := e.head.check(); err != nil {
		return nil, err
	}
	return e, nil
}

func (r *resource) encode() []byte {
	b := append(make([]byte, 0, 64), 'S', 'T', codecVersion, kindResource)
	b = binary.LittleEndian.AppendUint64(b, r.nonce)
	var changed int64
	if !r.changed.IsZero() {
		changed = r.changed.UnixNano()
	}
	b = binary.AppendUvarint(b, uint64(changed))
	b = binary.AppendUvarint(b, uint64(len(r.specs)))
	for _, s := range r.specs {
		b = appendString(b, s)
	}
	return b
}

func decodeResource(b []byte) (item, error) {
	if len(b) < 12 {
		return nil, errSeal
	}
	v := &resource{nonce: binary.LittleEndian.Uint64(b[4:])}
	r := byteReader{b: b[12:]}
	if changed := int64(r.uvarint()); changed != 0 {
		v.changed = time.Unix(0, changed)
	}
	n := r.uvarint()
	if n > maxSpecs {
		return nil, errSeal
	}
	for range n {
		v.specs = append(v.specs, string(r.bytes()))
	}
	if r.bad || len(r.b) != 0 {
		return nil, errSeal
	}
	return v, nil
}

// A byteReader is a reader of bytes that stay shared.
type byteReader struct {
	b   []byte
	bad bool
}

func (r *byteReader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *byteReader) duration() time.Duration { return time.Duration(r.uvarint()) - 1 }

func (r *byteReader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}
