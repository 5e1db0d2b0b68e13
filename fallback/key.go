package fallback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
)

// Keys are HMAC-SHA256 over everything that tells requests apart, each part
// preceded by its length, so that no two requests look alike by moving a
// character from one part to the next. Nobody who reads a Store learns a URL
// or a token from them, nor can compute one.
//
// There are two kinds. The key of a resource covers the URL and the host. What
// is found there says by which headers responses vary, and has a random number
// that changes when the resource is invalidated. The key of a response covers
// the resource, that number, who asks, and the values of those headers.
type digest = [sha256.Size]byte

// A ring makes keys under one secret.
type ring struct {
	secret []byte
	pool   sync.Pool // of *keyMaker
}

// newRing returns the ring of a space, which has its own secret made of the one
// that is given: what is stored in one space is not found in another.
func newRing(secret []byte, space ...string) *ring {
	mac := hmac.New(sha256.New, secret)
	var parts []byte
	for _, part := range space {
		parts = appendString(parts, part)
	}
	mac.Write(parts)
	r := &ring{secret: mac.Sum(nil)}
	r.pool.New = func() any { return &keyMaker{mac: hmac.New(sha256.New, r.secret)} }
	return r
}

// A keyMaker collects the parts of a key.
type keyMaker struct {
	mac   hash.Hash
	buf   []byte
	found [4]field
}

func (r *ring) begin(kind byte) *keyMaker {
	k := r.pool.Get().(*keyMaker) //nolint:errcheck // the pool has nothing else
	k.buf = append(k.buf[:0], kind)
	return k
}

func (r *ring) end(k *keyMaker) (d digest) {
	k.mac.Reset()
	k.mac.Write(k.buf)
	k.buf = k.mac.Sum(k.buf[:0])
	copy(d[:], k.buf)
	clear(k.buf[:cap(k.buf)]) // there were tokens in it
	clear(k.found[:])
	if cap(k.buf) <= 16<<10 {
		r.pool.Put(k)
	}
	return d
}

func (k *keyMaker) add(s string) {
	k.buf = binary.AppendUvarint(k.buf, uint64(len(s)))
	k.buf = append(k.buf, s...)
}

func (k *keyMaker) addCount(n int) { k.buf = binary.AppendUvarint(k.buf, uint64(n)) }

// resource returns the key of what u names on host, which is the Host header
// if it is not u's own.
func (r *ring) resource(u *url.URL, host string) digest {
	k := r.begin('R')
	if u == nil {
		u = new(url.URL)
	}
	scheme := strings.ToLower(u.Scheme)
	at := authority(scheme, u.Host)
	k.add(scheme)
	k.add(at)
	if host == "" {
		k.add(at)
	} else {
		k.add(authority(scheme, host))
	}
	path := u.Path
	if path == "" && u.Opaque == "" {
		path = "/"
	}
	k.add(u.Opaque)
	k.add(path)
	k.add(u.RawPath)
	k.add(u.RawQuery)
	if u.ForceQuery {
		k.add("?")
	}
	return r.end(k)
}

// variant returns the key of a response to a, without the number that is mixed
// in by place. Spec is the normal form of Vary.
func (c *core) variant(r *ring, resource digest, a *asking, spec string) digest {
	if spec == "" && a.post == "" && len(a.signs) == 0 && a.anonymous() {
		resource[len(resource)-1] ^= 1 // as good as a key of its own, and for nothing
		return resource
	}
	k := r.begin('V')
	k.buf = append(k.buf, resource[:]...)
	k.add(a.post)
	k.add(a.partition)
	k.addFields(a.credentials)
	k.addFields(a.signs)
	if a.URL != nil && a.URL.User != nil && !c.SingleUser {
		k.addCount(1)
		k.add(a.URL.User.String())
	} else {
		k.addCount(0)
	}
	k.add(spec)
	if spec != "" {
		for name := range strings.SplitSeq(spec, ",") {
			k.addNamed(a.Header, name)
		}
	}
	return r.end(k)
}

// addNamed adds the values of a header that is named in lower case, whatever
// its spelling in the request is.
func (k *keyMaker) addNamed(h http.Header, name string) {
	found := k.found[:0]
	for n, values := range h {
		if len(n) == len(name) && strings.EqualFold(n, name) {
			found = append(found, field{n, values})
		}
	}
	sortFields(found)
	k.addCount(len(found))
	for _, f := range found {
		k.addValues(f.values)
	}
}

func (k *keyMaker) addFields(fields []field) {
	k.addCount(len(fields))
	for _, f := range fields {
		k.add(f.name)
		k.addValues(f.values)
	}
}

func (k *keyMaker) addValues(values []string) {
	k.addCount(len(values))
	for _, v := range values {
		k.add(textproto.TrimString(v))
	}
}

// place returns where a response is kept: its variant's key with the number
// of its resource mixed in.
func place(variant digest, nonce uint64) digest {
	n := binary.LittleEndian.Uint64(variant[:])
	binary.LittleEndian.PutUint64(variant[:], n^nonce)
	return variant
}

// authority returns host in lower case and without its scheme's own port.
func authority(scheme, host string) string {
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return strings.ToLower(host)
}

// maxKeyBody bounds what BodyKey reads.
const maxKeyBody = 1 << 20

// BodyKey is a [Cache.PostKey] for services whose answer depends on the URL
// and the request's body alone. It reads the body through GetBody, and leaves
// requests alone that have none or whose body is longer than 1 MiB.
func BodyKey(req *http.Request) string {
	if req.GetBody == nil {
		return ""
	}
	body, err := req.GetBody()
	if err != nil {
		return ""
	}
	defer body.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(body, maxKeyBody+1))
	if err != nil || n > maxKeyBody {
		return ""
	}
	return string(h.Sum([]byte(req.Header.Get("Content-Type") + "\x00" + req.Header.Get("Content-Encoding") + "\x00")))
}
