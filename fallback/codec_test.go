package fallback

import (
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"
)

func sampleEntry() *entry {
	return &entry{
		terms: terms{
			life: time.Hour, staleIfError: absent, staleWhileRevalidate: time.Minute,
			explicit: true, mustRevalidate: true,
		},
		status: 200, uncompressed: true, received: time.Unix(0, 1764000000123456789), age: 3 * time.Second, spec: "accept,x",
		head: packFields(http.Header{"Content-Type": {"text/plain"}, "X-Two": {"1", "2"}, "X-Empty": {""}}),
		body: []byte("the body"),
	}
}

func sampleItems() []item {
	return []item{
		sampleEntry(),
		&entry{terms: terms{staleIfError: 0, staleWhileRevalidate: absent, noCache: true}, status: 404, received: time.Unix(0, 1), head: packFields(nil), body: []byte{}},
		&resource{nonce: 1<<63 + 5, specs: []string{"", "accept"}},
		&resource{changed: time.Unix(5, 6)},
	}
}

func TestWhatIsSealedIsOpenedAsItWas(t *testing.T) {
	r := newRing(bytes.Repeat([]byte("k"), 32), "")
	for _, v := range sampleItems() {
		k := digest{1, 2, 3}
		got, err := r.open(k, r.seal(k, v))
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%+v came back as %+v, %v", v, got, err)
		}
	}
}

func TestWhatWasTouchedIsNotOpened(t *testing.T) {
	r := newRing(bytes.Repeat([]byte("k"), 32), "")
	k := digest{1, 2, 3}
	for _, v := range sampleItems() {
		sealed := r.seal(k, v)
		for i := range sealed {
			for bit := range 8 {
				bad := slices.Clone(sealed)
				bad[i] ^= 1 << bit
				if _, err := r.open(k, bad); err == nil {
					t.Fatalf("bit %d of byte %d of %d makes no difference", bit, i, len(sealed))
				}
			}
			if _, err := r.open(k, sealed[:i]); err == nil {
				t.Fatalf("%d of %d bytes are enough", i, len(sealed))
			}
		}
		if _, err := r.open(k, append(slices.Clone(sealed), 0)); err == nil {
			t.Error("a byte more makes no difference")
		}
		if _, err := r.open(digest{3, 2, 1}, sealed); err == nil {
			t.Error("another's key opens it")
		}
		if _, err := newRing(bytes.Repeat([]byte("j"), 32), "").open(k, sealed); err == nil {
			t.Error("another secret opens it")
		}
	}
}

func TestALaterVersionIsAMiss(t *testing.T) {
	r := newRing(bytes.Repeat([]byte("k"), 32), "")
	b := encode(sampleEntry())
	b[2]++
	if _, err := r.open(digest{}, append(b, r.sign(digest{}, b)...)); !errors.Is(err, errVersion) {
		t.Errorf("got %v", err)
	}
	b[2], b[3] = codecVersion, 'x'
	if _, err := r.open(digest{}, append(b, r.sign(digest{}, b)...)); !errors.Is(err, errVersion) {
		t.Errorf("another kind: %v", err)
	}
}

// FuzzDecode reads what carries a good seal and is nonsense: whatever it is,
// it must be an error, or an item that can be used and encoded again.
func FuzzDecode(f *testing.F) {
	for _, v := range sampleItems() {
		f.Add(encode(v))
	}
	f.Add([]byte("ST\x01e"))
	f.Add([]byte("ST\x01r12345678\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decode(b)
		if err != nil {
			return
		}
		v.size()
		if e, ok := v.(*entry); ok {
			h, spare := e.head.unpack(2)
			if len(spare) < 2 || h == nil {
				t.Errorf("there is no room left: %d", len(spare))
			}
			e.validator()
			e.kept(time.Now())
		}
		again, err := decode(encode(v))
		if err != nil || !reflect.DeepEqual(again, v) {
			t.Errorf("%+v came back as %+v, %v", v, again, err)
		}
	})
}

func TestFields(t *testing.T) {
	h := http.Header{"A": {"1", ""}, "B": {"2"}, "C": {}}
	got, _ := packFields(h).unpack(0)
	if !reflect.DeepEqual(got, h) {
		t.Errorf("%v came back as %v", h, got)
	}
	if f := packFields(http.Header{"Safetrip:Retries": {"1"}, "Connection": {"x-a , X-B"}, "X-A": {"1"}, "X-B": {"2"}, "X-C": {"3"}}); f.first("X-C") != "3" || len(f) > 12 {
		t.Errorf("got %q", f)
	}
}

func TestLongFields(t *testing.T) {
	long := string(bytes.Repeat([]byte("v"), 70_000))
	h := http.Header{"X-Long": {long, "short", long}, http.CanonicalHeaderKey(string(bytes.Repeat([]byte("n"), 300))): {long[:200]}}
	f := packFields(h)
	got, _ := f.unpack(0)
	if !reflect.DeepEqual(got, h) || f.check() != nil {
		t.Errorf("it came back otherwise, %v", f.check())
	}
	for i := range len(f) {
		if i%997 == 0 && f[:i].check() == nil {
			t.Errorf("cut to %d bytes it is good too", i)
		}
	}
}
