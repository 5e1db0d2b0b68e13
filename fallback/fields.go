package fallback

import (
	"encoding/binary"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// fields is a header packed into one string, which is what a stored response
// keeps of it: the number of names and of values, then each name with its
// values, every part preceded by its length.
type fields string

// packFields packs h without what must not be handed out again: what belonged
// to the connection (RFC 9110, section 7.6.1; RFC 9111, section 3.1), what
// belonged to the one call (Set-Cookie, authentication), and Age, which is
// computed anew.
func packFields(h http.Header) fields {
	nominated := connectionNames(h)
	names, values, size := 0, 0, 0
	keep := func(name string) bool { return !isPassing(name) && !isNominated(nominated, name) }
	for name, vv := range h {
		if keep(name) {
			names++
			values += len(vv)
			size += len(name) + 4
			for _, v := range vv {
				size += len(v) + 4
			}
		}
	}
	b := make([]byte, 0, size+8)
	b = binary.AppendUvarint(b, uint64(names))
	b = binary.AppendUvarint(b, uint64(values))
	for name, vv := range h {
		if keep(name) {
			b = appendString(b, name)
			b = binary.AppendUvarint(b, uint64(len(vv)))
			for _, v := range vv {
				b = appendString(b, v)
			}
		}
	}
	return fields(b)
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// connectionNames returns the names that Connection lists.
func connectionNames(h http.Header) []string {
	var names []string
	for _, line := range valuesOf(h, "Connection") {
		for name := range strings.SplitSeq(line, ",") {
			names = append(names, strings.Trim(name, " \t"))
		}
	}
	return names
}

func isNominated(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// isPassing says whether a header has no meaning beyond the call it came with.
// A colon in a name marks what the kit says to itself.
func isPassing(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Authentication-Info", "Www-Authenticate",
		"Set-Cookie", "Set-Cookie2", "Age":
		return true
	}
	return strings.ContainsRune(name, ':')
}

var errFields = errors.New("fallback: a stored header is malformed")

// check reports whether f can be read to its end, as what [packFields] made
// can. It is for what comes from a Store.
func (f fields) check() error {
	r := reader{s: string(f)}
	names, values := r.uvarint(), r.uvarint()
	if max(names, values) > uint64(len(f)) { // each takes a byte at least
		return errFields
	}
	for range names {
		r.string()
		n := r.uvarint()
		if n > values {
			return errFields
		}
		values -= n
		for range n {
			r.string()
		}
	}
	if r.bad || r.s != "" || values != 0 {
		return errFields
	}
	return nil
}

// unpack returns f as a header, with room for more names. The values share one
// slice, each name's part of it closed against appending; what is left of it is
// returned too, for as many more values.
func (f fields) unpack(room int) (http.Header, []string) {
	r := reader{s: string(f)}
	names, values := int(r.uvarint()), int(r.uvarint())
	h := make(http.Header, names+room)
	all := make([]string, 0, values+room)
	for range names {
		name := r.string()
		from := len(all)
		for range r.uvarint() {
			all = append(all, r.string())
		}
		h[name] = all[from:len(all):len(all)]
	}
	return h, all[len(all):cap(all)]
}

// first returns the first value of a header, or "".
func (f fields) first(name string) string {
	for n, v := range f.all() {
		if n == name {
			return v
		}
	}
	return ""
}

// all yields each value with its name.
func (f fields) all() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		r := reader{s: string(f)}
		names, _ := r.uvarint(), r.uvarint()
		for range names {
			name := r.string()
			for range r.uvarint() {
				if !yield(name, r.string()) {
					return
				}
			}
		}
	}
}

// A reader cuts parts off a string. After the first that is not there, bad is
// set and all further ones are empty.
type reader struct {
	s   string
	bad bool
}

func (r *reader) uvarint() uint64 {
	if len(r.s) > 0 && r.s[0] < 0x80 {
		n := r.s[0]
		r.s = r.s[1:]
		return uint64(n)
	}
	return r.longUvarint()
}

func (r *reader) longUvarint() uint64 {
	var n uint64
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		b := r.s[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.s = r.s[i+1:]
			return n
		}
	}
	r.fail()
	return 0
}

func (r *reader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.s)) {
		r.fail()
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) fail() { r.s, r.bad = "", true }
