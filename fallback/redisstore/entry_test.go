package redisstore

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func ring(tb testing.TB, keys ...string) *keyring {
	tb.Helper()
	var k [][]byte
	for _, s := range keys {
		k = append(k, []byte(s))
	}
	r, err := newKeyring(k)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// FuzzOpen opens what Redis may have: nothing but what was sealed for that name
// comes out, and nothing panics.
func FuzzOpen(f *testing.F) {
	const value = "the value"
	plain, secret := ring(f), ring(f, strings.Repeat("k", 32), strings.Repeat("o", 32))
	for _, r := range []*keyring{plain, secret} {
		for _, name := range []string{"name", "other", ""} {
			entry := r.seal(name, []byte(value))
			f.Add(name, entry)
			f.Add(name, entry[:len(entry)-1])
			f.Add(name, entry[:4])
		}
	}
	f.Add("name", []byte{})
	f.Add("name", []byte("SR\x02p"))
	f.Fuzz(func(t *testing.T, name string, entry []byte) {
		for _, r := range []*keyring{plain, secret} {
			got, err := r.open(name, entry)
			switch {
			case err == nil && r == secret && string(got) != value:
				t.Errorf("out of %q under %q came %q", entry, name, got)
			case err == nil && r == plain && !bytes.Equal(entry, r.seal(name, got)):
				t.Errorf("%q under %q is not what is sealed of %q", entry, name, got)
			case err != nil && got != nil:
				t.Errorf("a value beside %v", err)
			case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrKey):
				t.Errorf("an error of another kind: %v", err)
			}
		}
	})
}

func TestSealedIsOpened(t *testing.T) {
	t.Parallel()
	for _, r := range []*keyring{ring(t), ring(t, strings.Repeat("k", 32))} {
		for _, n := range []int{0, 1, 15, 16, 17, 1 << 20} {
			value := bytes.Repeat([]byte("v"), n)
			entry := r.seal("name", value)
			if got, err := r.open("name", entry); err != nil || !bytes.Equal(got, value) {
				t.Errorf("%d bytes: %v", n, err)
			}
			if len(entry)-n > overhead {
				t.Errorf("%d bytes take %d more, %d are allowed for", n, len(entry)-n, overhead)
			}
			for _, other := range []string{"", "Name", "name2", "nam"} {
				if _, err := r.open(other, entry); !errors.Is(err, ErrDamaged) {
					t.Errorf("under %q it is %v", other, err)
				}
			}
		}
	}
}

// Each row is what Redis sends, in pieces of any size, and whether it may.
var replies = []struct {
	does, reply string
	may         bool
}{
	{"lines", "+OK\r\n-ERR no\r\n:42\r\n_\r\n#t\r\n,1.5\r\n", true},
	{"a string", "$5\r\nhello\r\n+OK\r\n", true},
	{"a string that looks like a reply", "$22\r\n$9999999999999999999\r\n\r\n+OK\r\n", true},
	{"no string", "$-1\r\n$0\r\n\r\n", true},
	{"a map", "%1\r\n+server\r\n$5\r\nredis\r\n", true},
	{"an array in an array", "*2\r\n*1\r\n:1\r\n*0\r\n", true},
	{"a string as long as may be", "$100\r\n" + strings.Repeat("x", 100) + "\r\n", true},
	{"a string that is longer", "$101\r\n", false},
	{"after others", "+OK\r\n$3\r\nabc\r\n$101\r\n", false},
	{"a verbatim string", "=101\r\n", false},
	{"a long error", "!101\r\n", false},
	{"a number past all bounds", "$99999999999999999999\r\n", false},
	{"a negative length", "$-2\r\n", false},
	{"no number", "$x\r\n", false},
	{"an array that is too long", "*65537\r\n", false},
	{"a line that is too long", strings.Repeat("+", maxLine+1), false},
	{"an empty line", "\r\n", false},
}

func TestTheGuardFollowsReplies(t *testing.T) {
	t.Parallel()
	for _, row := range replies {
		for pieces := range 4 {
			g := &guard{limit: 100}
			if got := feed(g, []byte(row.reply), pieces); got != row.may {
				t.Errorf("%s, in pieces of up to %d bytes: %v, want %v", row.does, pieces, got, row.may)
			}
		}
	}
}

// feed gives b to g in pieces of up to most bytes, at once if most is 0.
func feed(g *guard, b []byte, most int) bool {
	if most == 0 {
		return g.follow(b)
	}
	for len(b) > 0 {
		n := min(len(b), 1+rand.IntN(most))
		if !g.follow(b[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}

func FuzzGuard(f *testing.F) {
	for _, row := range replies {
		f.Add([]byte(row.reply))
	}
	f.Fuzz(func(t *testing.T, reply []byte) {
		whole, pieces := &guard{limit: 100}, &guard{limit: 100}
		if a, b := feed(whole, reply, 0), feed(pieces, reply, 3); a != b {
			t.Errorf("%q at once: %v, in pieces: %v", reply, a, b)
		}
		if whole.skip > whole.limit+2 {
			t.Errorf("%q: %d bytes to come", reply, whole.skip)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	value := bytes.Repeat([]byte("x"), 4<<10)
	for form, r := range map[string]*keyring{"plain": ring(b), "encrypted": ring(b, strings.Repeat("k", 32))} {
		entry := r.seal("name", value)
		b.Run(fmt.Sprint("seal/", form), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.seal("name", value)
			}
		})
		b.Run(fmt.Sprint("open/", form), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.open("name", entry); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
