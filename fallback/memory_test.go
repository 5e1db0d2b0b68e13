package fallback_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
)

// A Memory never fails, and what it returns needs no looking at.

func have(m *fallback.Memory, key string) bool {
	b, err := m.Get(context.Background(), key)
	return err == nil && b != nil
}

func set(m *fallback.Memory, key string, value []byte, ttl time.Duration) {
	if err := m.Set(context.Background(), key, value, ttl); err != nil {
		panic(err)
	}
}

func drop(m *fallback.Memory, key string) {
	if err := m.Delete(context.Background(), key); err != nil {
		panic(err)
	}
}

func TestMemory(t *testing.T) {
	for does, test := range map[string]func(t *testing.T){
		"what was longest unused leaves first": func(t *testing.T) {
			t.Helper()
			m := fallback.NewMemory(1000)
			for _, key := range []string{"a", "b", "c"} {
				set(m, key, make([]byte, 150), time.Hour)
			}
			if m.Len() != 3 {
				t.Fatalf("%d items in %d bytes", m.Len(), m.Bytes())
			}
			have(m, "a")
			set(m, "d", make([]byte, 150), time.Hour)
			if have(m, "b") || !have(m, "a") || !have(m, "c") || !have(m, "d") || m.Evicted() != 1 {
				t.Error("it was not b")
			}
		},
		"an overwrite counts once": func(t *testing.T) {
			t.Helper()
			m := fallback.NewMemory(10_000)
			set(m, "a", make([]byte, 100), time.Hour)
			before := m.Bytes()
			for range 100 {
				set(m, "a", make([]byte, 100), time.Hour)
			}
			if m.Bytes() != before || m.Len() != 1 {
				t.Errorf("%d bytes, %d items", m.Bytes(), m.Len())
			}
		},
		"a value with no room is not stored, nor is the older one kept": func(t *testing.T) {
			t.Helper()
			m := fallback.NewMemory(1000)
			set(m, "a", make([]byte, 100), time.Hour)
			set(m, "a", make([]byte, 1000), time.Hour)
			if have(m, "a") || m.Bytes() != 0 {
				t.Error("something is there")
			}
		},
		"it ends at its time": func(t *testing.T) {
			t.Helper()
			m := fallback.NewMemory(0)
			set(m, "a", []byte("x"), time.Minute)
			set(m, "b", []byte("x"), time.Hour)
			time.Sleep(time.Minute + 1)
			if have(m, "a") || !have(m, "b") || m.Len() != 1 {
				t.Errorf("%d items", m.Len())
			}
			time.Sleep(time.Hour)
			m.Sweep()
			if m.Len() != 0 || m.Bytes() != 0 {
				t.Errorf("%d items, %d bytes", m.Len(), m.Bytes())
			}
		},
		"an expired one that is overwritten counts once": func(t *testing.T) {
			t.Helper()
			m := fallback.NewMemory(0)
			set(m, "a", []byte("x"), time.Minute)
			before := m.Bytes()
			time.Sleep(time.Hour)
			set(m, "a", []byte("x"), time.Minute)
			if m.Len() != 1 || m.Bytes() != before {
				t.Errorf("%d items, %d bytes", m.Len(), m.Bytes())
			}
		},
		"no time, no place": func(t *testing.T) {
			t.Helper()
			m := fallback.NewMemory(0)
			set(m, "a", []byte("x"), time.Hour)
			set(m, "a", []byte("x"), 0)
			set(m, "b", []byte("x"), -1)
			if m.Len() != 0 {
				t.Errorf("%d items", m.Len())
			}
		},
		"what is deleted is gone": func(t *testing.T) {
			t.Helper()
			m := fallback.NewMemory(0)
			set(m, "a", []byte("x"), time.Hour)
			drop(m, "a")
			drop(m, "a")
			if have(m, "a") || m.Len() != 0 || m.Bytes() != 0 {
				t.Errorf("%d items, %d bytes", m.Len(), m.Bytes())
			}
		},
		"Close ends it": func(t *testing.T) {
			t.Helper()
			m := fallback.NewMemory(0)
			set(m, "a", []byte("x"), time.Hour)
			m.Close()
			set(m, "b", []byte("x"), time.Hour)
			if have(m, "a") || have(m, "b") || m.Len() != 0 || m.Bytes() != 0 {
				t.Errorf("%d items, %d bytes", m.Len(), m.Bytes())
			}
			m.Close()
		},
		"a bound below zero holds nothing": func(t *testing.T) {
			t.Helper()
			m := fallback.NewMemory(-1)
			set(m, "a", nil, time.Hour)
			if m.Len() != 0 || m.Max() != 0 {
				t.Error("something is there")
			}
		},
	} {
		t.Run(does, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// TestAMillionSetsNeverPassTheBound looks at the count after each, and now and
// then whether it is that of all that is there, to the byte.
func TestAMillionSetsNeverPassTheBound(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	const bound = 1 << 20
	m := fallback.NewMemory(bound)
	big := make([]byte, 64<<10)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		key := fmt.Sprint(r.IntN(5000))
		switch r.IntN(10) {
		case 0:
			drop(m, key)
		case 1:
			have(m, key)
		default:
			n := r.IntN(1 + r.IntN(len(big)))
			set(m, key, big[:n:n], time.Duration(r.IntN(1000))*time.Microsecond)
		}
		if b := m.Bytes(); b > bound || b < 0 {
			t.Fatalf("after %d steps: %d bytes", i, b)
		}
		if i%50_000 == 0 {
			want := bytesOf(m, 5000) // what has expired leaves as it is asked for
			if got := m.Bytes(); got != want {
				t.Fatalf("after %d steps: %d bytes are counted, %d are there", i, got, want)
			}
		}
	}
	for i := range 5000 {
		drop(m, fmt.Sprint(i))
	}
	if m.Bytes() != 0 || m.Len() != 0 {
		t.Errorf("empty, it has %d bytes in %d items", m.Bytes(), m.Len())
	}
}

// bytesOf adds up what is there under the first n numbers.
func bytesOf(m *fallback.Memory, n int) (sum int64) {
	one := fallback.NewMemory(0)
	set(one, "", nil, time.Hour)
	for i := range n {
		key := fmt.Sprint(i)
		if v, _ := m.Get(context.Background(), key); v != nil {
			sum += one.Bytes() + int64(len(key)) + int64(cap(v))
		}
	}
	return sum
}

func TestMemoryConcurrently(t *testing.T) {
	m := fallback.NewMemory(100_000)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				key := fmt.Sprint((i * (g + 1)) % 300)
				set(m, key, make([]byte, i%1000), time.Hour)
				have(m, key)
				if i%7 == 0 {
					drop(m, key)
				}
				if m.Bytes() > 100_000 {
					t.Error("the bound was passed")
				}
			}
		})
	}
	wg.Wait()
}

// TestWhatAnEntryTakes measures the heap that entries take beside what they
// are made of, and that the count is not far from it.
func TestWhatAnEntryTakes(t *testing.T) {
	if testing.Short() {
		t.Skip("fills 100,000 entries")
	}
	const n, size = 100_000, 100
	c := &fallback.Cache{MaxBytes: 1 << 30}
	o := new(origin)
	o.says(200, "Content-Type: application/json|Cache-Control: max-age=60", strings.Repeat("x", size))
	rt := c.Wrap(o)
	heap := func() int64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	before := heap()
	for i := range n {
		resp, err := rt.RoundTrip(request(t, "GET", fmt.Sprintf("http://example.com/%d", i), ""))
		if err != nil {
			t.Fatal(err)
		}
		toEnd(resp.Body)
		resp.Body.Close()
	}
	o.asked = nil
	taken, counted := heap()-before, c.State().Bytes
	const header = 100 // its text, with Date
	over := taken/n - size - header
	t.Logf("an entry takes %d bytes of heap beside its %d of body and header; counted are %d in all", over, size+header, counted/n)
	if over > 600 {
		t.Errorf("that is more than 600")
	}
	if diff := float64(counted) / float64(taken); diff < 0.8 || diff > 1.3 {
		t.Errorf("counted are %d bytes, taken %d", counted, taken)
	}
	runtime.KeepAlive(c)
}
