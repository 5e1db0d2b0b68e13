package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/fallback/redisstore"
)

func TestAValueComesBack(t *testing.T) {
	t.Parallel()
	for form, keys := range map[string][][]byte{"plain": nil, "encrypted": {key1}} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			store, client := start(t, redisstore.Config{Keys: keys, MaxValue: 1000, Prefix: "p:"})
			for does, value := range map[string][]byte{
				"a text":             []byte("good"),
				"nothing":            {},
				"any bytes":          {0, 1, '\r', '\n', 0xff},
				"as large as may be": bytes.Repeat([]byte("x"), 1000),
			} {
				if err := store.Set(ctx, "k", value, time.Hour); err != nil {
					t.Fatalf("%s: %v", does, err)
				}
				got, err := store.Get(ctx, "k")
				if err != nil || got == nil || !bytes.Equal(got, value) {
					t.Errorf("%s: got %q, %v", does, got, err)
				}
			}
			if n := client.Exists(ctx, "p:k").Val(); n != 1 {
				t.Error("it is not under its Prefix")
			}
			if left := client.PTTL(ctx, "p:k").Val(); left <= 59*time.Minute || left > time.Hour {
				t.Errorf("it is kept for %v, not for an hour", left)
			}
			if err := store.Delete(ctx, "k"); err != nil {
				t.Fatal(err)
			}
			if got, err := store.Get(ctx, "k"); got != nil || err != nil {
				t.Errorf("what was deleted: %q, %v", got, err)
			}
			set(t, store, "k", "good")
			if err := store.Set(ctx, "k", []byte("x"), 0); err != nil {
				t.Fatal(err)
			}
			if n := client.Exists(ctx, "p:k").Val(); n != 0 {
				t.Error("a ttl of zero left something")
			}
			if s := store.State(); s.Hits != 4 || s.Misses != 1 || s.Stored != 5 || s.Failed != 0 {
				t.Errorf("counted %+v", s)
			}
		})
	}
}

func TestAValueExpires(t *testing.T) {
	t.Parallel()
	store, _ := start(t, redisstore.Config{})
	if err := store.Set(t.Context(), "k", []byte("good"), time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	if !eventually(t, 10*time.Second, func() bool {
		got, err := store.Get(t.Context(), "k")
		return got == nil && err == nil
	}) {
		t.Error("it is still there")
	}
}

// Each row is what Redis may have where an entry was.
func TestWhatIsNotAnEntryIsAMiss(t *testing.T) {
	t.Parallel()
	type row struct {
		does  string
		makes func(entry, others []byte) []byte
		want  error
	}
	cut := func(n int) func(entry, _ []byte) []byte { return func(e, _ []byte) []byte { return e[:n] } }
	at := func(i int) func(entry, _ []byte) []byte {
		return func(e, _ []byte) []byte {
			e = bytes.Clone(e)
			e[(i+len(e))%len(e)] ^= 1
			return e
		}
	}
	rows := []row{
		{"another key's entry", func(_, others []byte) []byte { return others }, redisstore.ErrDamaged},
		{"cut to one byte", cut(1), redisstore.ErrDamaged},
		{"cut to its head", cut(4), redisstore.ErrDamaged},
		{"cut in its seal", cut(9), redisstore.ErrDamaged},
		{"cut by its last byte", func(e, _ []byte) []byte { return e[:len(e)-1] }, redisstore.ErrDamaged},
		{"one byte more", func(e, _ []byte) []byte { return append(bytes.Clone(e), 'x') }, redisstore.ErrDamaged},
		{"the first bit changed", at(0), redisstore.ErrDamaged},
		{"a bit of the seal changed", at(8), redisstore.ErrDamaged},
		{"the last bit changed", at(-1), redisstore.ErrDamaged},
		{"another program's value", func(_, _ []byte) []byte { return []byte("hello") }, redisstore.ErrDamaged},
		{"a form that nobody knows", func(e, _ []byte) []byte { return append([]byte("SR\x01?"), e[4:]...) }, redisstore.ErrDamaged},
		{"a later version", func(e, _ []byte) []byte { return append([]byte("SR\x02"), e[3:]...) }, redisstore.ErrVersion},
		{"more than there may be", func(_, _ []byte) []byte { return make([]byte, 1<<20) }, redisstore.ErrTooLarge},
	}
	for form, keys := range map[string][][]byte{"plain": nil, "encrypted": {key1}} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			store, client := start(t, redisstore.Config{Keys: keys, MaxValue: 1000})
			const value = "the body that is asked for"
			for _, r := range rows {
				set(t, store, "k", value)
				set(t, store, "other", "somebody else's body")
				entry := r.makes(raw(t, client, "k"), raw(t, client, "other"))
				if err := client.Set(ctx, "k", entry, 0).Err(); err != nil {
					t.Fatal(err)
				}
				if got, err := store.Get(ctx, "k"); got != nil || !errors.Is(err, r.want) {
					t.Errorf("%s: got %q, %v; want %v", r.does, got, err, r.want)
				}
			}
			client.Del(ctx, "k")
			client.LPush(ctx, "k", "a list")
			if got, err := store.Get(ctx, "k"); got != nil || err == nil {
				t.Errorf("a list: got %q, %v", got, err)
			}
			s := store.State()
			if s.Damaged != 11 || s.OtherVersion != 1 || s.TooLarge != 1 || s.Failed != 1 || s.Hits+s.Misses+s.OtherKey != 0 {
				t.Errorf("counted %+v", s)
			}
			if s.Circuit.Failures != 0 {
				t.Error("a Redis that answers counts as a failure")
			}
		})
	}
}

func TestNoBitOfAnEntryMayChange(t *testing.T) {
	t.Parallel()
	for form, keys := range map[string][][]byte{"plain": nil, "encrypted": {key1, key2}} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			store, client := start(t, redisstore.Config{Keys: keys})
			set(t, store, "k", "good")
			entry := raw(t, client, "k")
			for bit := range 8 * len(entry) {
				entry[bit/8] ^= 1 << (bit % 8)
				client.Set(t.Context(), "k", entry, 0)
				if got, err := store.Get(t.Context(), "k"); got != nil || err == nil {
					t.Errorf("bit %d changed: got %q, %v", bit, got, err)
				}
				entry[bit/8] ^= 1 << (bit % 8)
			}
		})
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	first, client := start(t, redisstore.Config{Keys: [][]byte{key1}})
	addr := client.Options().Addr
	set(t, first, "old", "of the first key")
	for does, r := range map[string]struct {
		keys [][]byte
		want error
	}{
		"the new key in front of the old": {[][]byte{key2, key1}, nil},
		"the new key alone":               {[][]byte{key2}, redisstore.ErrKey},
		"no key":                          {nil, redisstore.ErrKey},
	} {
		store, _ := open(t, addr, patient(redisstore.Config{Keys: r.keys}))
		got, err := store.Get(ctx, "old")
		if !errors.Is(err, r.want) || (err == nil) != (string(got) == "of the first key") {
			t.Errorf("%s: got %q, %v; want %v", does, got, err, r.want)
		}
		if r.want != nil && store.State().OtherKey != 1 {
			t.Errorf("%s: counted %+v", does, store.State())
		}
		if len(r.keys) > 0 {
			set(t, store, "new", "of the second key")
			if got, err := first.Get(ctx, "new"); got != nil || !errors.Is(err, redisstore.ErrKey) {
				t.Errorf("%s: one with the old key alone got %q, %v", does, got, err)
			}
		}
	}
}

// Whoever can write to Redis, and has no key, cannot make a Store with Keys
// believe something.
func TestAPlainEntryIsNotBelievedWhereThereAreKeys(t *testing.T) {
	t.Parallel()
	store, client := start(t, redisstore.Config{Keys: [][]byte{key1}})
	forger, _ := open(t, client.Options().Addr, patient(redisstore.Config{}))
	set(t, forger, "k", "forged")
	if got, err := store.Get(t.Context(), "k"); got != nil || !errors.Is(err, redisstore.ErrKey) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRedisCannotReadWhatIsEncrypted(t *testing.T) {
	t.Parallel()
	store, client := start(t, redisstore.Config{Keys: [][]byte{key1}})
	const value = "the account of Alice, the account of Alice, the account of Alice"
	set(t, store, "a", value)
	set(t, store, "b", value)
	a, b := raw(t, client, "a"), raw(t, client, "b")
	for _, word := range []string{"Alice", "account", string(key1[:8])} {
		if bytes.Contains(a, []byte(word)) {
			t.Errorf("%q can be read", word)
		}
	}
	if bytes.Equal(a[8:], b[8:]) {
		t.Error("equal values look equal")
	}
	set(t, store, "a", value)
	if bytes.Equal(a, raw(t, client, "a")) {
		t.Error("the same value looks the same twice")
	}
}

func TestWhatIsTooLargeIsNotWritten(t *testing.T) {
	t.Parallel()
	store, client := start(t, redisstore.Config{MaxValue: 10})
	if err := store.Set(t.Context(), "k", make([]byte, 11), time.Hour); !errors.Is(err, redisstore.ErrTooLarge) {
		t.Errorf("a value: %v", err)
	}
	long := strings.Repeat("k", 1025)
	for does, err := range map[string]error{
		"Set":    store.Set(t.Context(), long, nil, time.Hour),
		"Delete": store.Delete(t.Context(), long),
		"Get":    func() error { _, err := store.Get(t.Context(), long); return err }(),
	} {
		if !errors.Is(err, redisstore.ErrTooLarge) {
			t.Errorf("%s with a long key: %v", does, err)
		}
	}
	if n := client.DBSize(t.Context()).Val(); n != 0 || store.State().TooLarge != 4 {
		t.Errorf("%d values are there; counted %+v", n, store.State())
	}
}

func TestACallersCancelIsHisOwnAffair(t *testing.T) {
	t.Parallel()
	store, _ := start(t, redisstore.Config{FailureThreshold: 1})
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := store.Get(ctx, "k"); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if s := store.State(); s.Failed+s.TooLate+uint64(s.Circuit.Failures) != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestCloseEndsIt(t *testing.T) {
	t.Parallel()
	store, _ := start(t, redisstore.Config{})
	set(t, store, "k", "good")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if _, err := store.Get(t.Context(), "k"); !errors.Is(err, redisstore.ErrClosed) {
		t.Errorf("Get after Close: %v", err)
	}
	if err := store.Set(t.Context(), "k", nil, time.Hour); !errors.Is(err, redisstore.ErrClosed) {
		t.Errorf("Set after Close: %v", err)
	}
}

func TestImpossibleSettings(t *testing.T) {
	t.Parallel()
	_, err := redisstore.New(nil, redisstore.Config{
		Prefix: strings.Repeat("p", 257), Timeout: -1, MaxValue: -1, NearBytes: -1, Keys: append(make([][]byte, 8), make([]byte, 31)),
		OpenFor: -1, MaxOpenFor: -1,
	})
	for _, name := range []string{"Prefix", "Timeout", "MaxValue", "NearBytes", "Keys[8] has 31 bytes", "Keys has 9", "OpenFor", "MaxOpenFor"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	store, err := redisstore.New(nil, redisstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
