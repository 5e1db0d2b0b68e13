package table

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// put adds k if it is not there, with itself as its value.
func put(t *Table[int, int], k int) *int {
	return t.GetOrAdd(k, func() (int, *int) { return k, &k })
}

// filled returns a table with the keys 1 to n, in this order.
func filled(n int) *Table[int, int] {
	t := &Table[int, int]{Max: n}
	for k := range n {
		put(t, k+1)
	}
	return t
}

// keys returns what is in t, sorted.
func keys[V any](t *Table[int, V]) []int {
	var all []int
	for k := range t.All {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func TestTable(t *testing.T) {
	for _, tt := range []struct {
		does string
		max  int
		run  func(*Table[int, int])
		want []int
	}{
		{"an empty table has no keys", 4, func(*Table[int, int]) {}, nil},
		{"Delete of what is not there does nothing", 4, func(t *Table[int, int]) { t.Delete(1); put(t, 2); t.Delete(1) }, []int{2}},
		{"a key is added once", 4, func(t *Table[int, int]) { put(t, 1); put(t, 1) }, []int{1}},
		{"up to Max keys are kept", 4, func(t *Table[int, int]) { put(t, 1); put(t, 2); put(t, 3); put(t, 4) }, []int{1, 2, 3, 4}},
		{"one more makes the oldest leave", 2, func(t *Table[int, int]) { put(t, 1); put(t, 2); put(t, 3) }, []int{2, 3}},
		{"a table of one key has the newest", 1, func(t *Table[int, int]) { put(t, 1); put(t, 2); put(t, 3) }, []int{3}},
		{"Get keeps a key alive", 3, func(t *Table[int, int]) {
			put(t, 1)
			put(t, 2)
			put(t, 3)
			t.Get(1)
			put(t, 4)
			t.Get(1)
			put(t, 5)
		}, []int{1, 4, 5}},
		{"GetOrAdd of a key that is there keeps it alive", 3, func(t *Table[int, int]) {
			put(t, 1)
			put(t, 2)
			put(t, 3)
			put(t, 1)
			put(t, 4)
			put(t, 1)
			put(t, 5)
		}, []int{1, 4, 5}},
		{"All keeps nothing alive", 2, func(t *Table[int, int]) {
			put(t, 1)
			put(t, 2)
			for range t.All {
			}
			put(t, 3)
		}, []int{2, 3}},
		{"Delete makes room", 2, func(t *Table[int, int]) { put(t, 1); put(t, 2); t.Delete(2); put(t, 3) }, []int{1, 3}},
		{"a key that was deleted can come back", 2, func(t *Table[int, int]) { put(t, 1); t.Delete(1); put(t, 1) }, []int{1}},
	} {
		t.Run(tt.does, func(t *testing.T) {
			table := &Table[int, int]{Max: tt.max}
			tt.run(table)
			if got := keys(table); !slices.Equal(got, tt.want) {
				t.Errorf("the keys are %v, want %v", got, tt.want)
			}
			if table.Len() != len(tt.want) {
				t.Errorf("Len is %d, want %d", table.Len(), len(tt.want))
			}
			for _, k := range tt.want {
				if v := table.Get(k); v == nil || *v != k {
					t.Errorf("Get(%d) is %v", k, v)
				}
			}
			if table.Get(100) != nil {
				t.Error("Get found a key that was never there")
			}
		})
	}
}

func TestZeroMaxIsTheDefault(t *testing.T) {
	for _, bound := range []int{0, -1} {
		table := &Table[int, int]{Max: bound}
		for k := range DefaultMax {
			put(table, k)
		}
		if table.Len() != DefaultMax {
			t.Errorf("Max %d: %d keys fit, want %d", bound, table.Len(), DefaultMax)
		}
		if put(table, DefaultMax); table.Len() != DefaultMax-DefaultMax/16+1 {
			t.Errorf("Max %d: one more makes %d", bound, table.Len())
		}
	}
}

func TestASixteenthLeaves(t *testing.T) {
	for _, tt := range []struct{ max, leave int }{
		{1, 1}, {2, 1}, {15, 1}, {16, 1}, {31, 1}, {32, 2}, {47, 2}, {48, 3}, {160, 10}, {1000, 62},
	} {
		t.Run(fmt.Sprintf("of %d keys, the %d oldest", tt.max, tt.leave), func(t *testing.T) {
			table := filled(tt.max)
			put(table, tt.max+1)
			var want []int
			for k := tt.leave + 1; k <= tt.max+1; k++ {
				want = append(want, k)
			}
			if got := keys(table); !slices.Equal(got, want) {
				t.Errorf("the keys are %v, want %v", got, want)
			}
		})
	}
}

// Ages are coarse: what was used since the last insertion has one age. Of
// those it does not matter which leave, but what is older leaves before them.
func TestTheOldestLeavesBeforeItsElders(t *testing.T) {
	for round := range 100 {
		table := filled(32)
		old := 1 + round%31 // 32 is as young as what is used now
		for k := 1; k <= 32; k++ {
			if k != old {
				table.Get(k)
			}
		}
		put(table, 33)
		if table.Get(old) != nil {
			t.Fatalf("key %d, the only one that was not used, is still there", old)
		}
		if table.Len() != 31 {
			t.Fatalf("%d keys are left, want 31", table.Len())
		}
	}
}

// Get hands an entry the time that it read before; a slow one must not make
// the entry older than a quick one has made it.
func TestATouchNeverMakesOlder(t *testing.T) {
	var e entry[int, int]
	e.age.Store(3)
	for _, tt := range []struct {
		now, want uint64
	}{{10, 10}, {5, 10}, {10, 10}, {11, 11}} {
		if !e.touch(tt.now) || e.age.Load() != tt.want {
			t.Errorf("touched at %d it is of age %d, want %d", tt.now, e.age.Load(), tt.want)
		}
	}
	e.age.Store(gone)
	if e.touch(12) || e.age.Load() != gone {
		t.Error("an entry that is gone can be touched")
	}
}

func TestAddIsAskedOnlyForWhatIsMissing(t *testing.T) {
	var table Table[string, int]
	n := 0
	add := func() (string, *int) { n++; v := n; return "key", &v }
	first := table.GetOrAdd("key", add)
	if again := table.GetOrAdd("key", add); again != first || n != 1 {
		t.Errorf("add ran %d times, and the second value is another one: %v", n, again != first)
	}
}

func TestAPanicOfAddLeavesTheTableUsable(t *testing.T) {
	table := filled(2)
	func() {
		defer func() { _ = recover() }()
		table.GetOrAdd(3, func() (int, *int) { panic("add") })
	}()
	if put(table, 4); table.Get(4) == nil || table.Get(3) != nil || table.Len() > 2 {
		t.Errorf("afterwards the keys are %v", keys(table))
	}
}

func TestAllEndsWhenItIsTold(t *testing.T) {
	table, n := filled(100), 0
	for range table.All {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("All went on to %d keys", n)
	}
}

// Should two keys have one hash, the later displaces the earlier; neither is
// ever taken for the other.
func TestTwoKeysOfOneHash(t *testing.T) {
	table := filled(4)
	h, foreign := table.hash(9), 77
	e := &entry[int, int]{key: 77, value: &foreign}
	table.replace(table.shard(h), func(m map[uint64]*entry[int, int]) { m[h] = e })
	table.size.Add(1)
	table.Max = 10

	if v := table.Get(9); v != nil {
		t.Errorf("Get(9) has the value of %d", *v)
	}
	table.Delete(9)
	if table.Len() != 5 {
		t.Errorf("Delete of the other key left %d keys, want 5", table.Len())
	}
	if v := put(table, 9); *v != 9 || *table.Get(9) != 9 {
		t.Errorf("the value of 9 is %d", *v)
	}
	if table.Len() != 5 || !slices.Equal(keys(table), []int{1, 2, 3, 4, 9}) {
		t.Errorf("%d keys: %v", table.Len(), keys(table))
	}
	if e.age.Load() != gone {
		t.Error("the displaced entry does not know that it is gone")
	}
}

// lately makes k the entry that Get looks at first.
func lately(t *Table[int, int], k int) {
	for e := t.last.Load(); e == nil || e.key != k || e.age.Load() == gone; e = t.last.Load() {
		t.Get(k)
	}
}

func TestTheLastFoundIsNeverOneThatLeft(t *testing.T) {
	for _, tt := range []struct {
		how   string
		leave func(*Table[int, int])
	}{
		{"deleted", func(t *Table[int, int]) { t.Delete(1) }},
		{"evicted", func(t *Table[int, int]) {
			put(t, 5)
			for k := 2; k <= 5; k++ {
				t.Get(k) // 1 may still be there, and is now the oldest
			}
			put(t, 6)
		}},
		{"displaced", func(t *Table[int, int]) {
			h := t.hash(1)
			t.mu.Lock()
			t.replace(t.shard(h), func(m map[uint64]*entry[int, int]) { t.remove(m, h) })
			t.mu.Unlock()
		}},
	} {
		t.Run(tt.how, func(t *testing.T) {
			table := filled(4)
			lately(table, 1)
			old := table.Get(1)
			tt.leave(table)
			if v := table.Get(1); v != nil {
				t.Fatalf("Get still has it: %d", *v)
			}
			for range 200 {
				if v := put(table, 1); v == old {
					t.Fatal("added again, it has its old value")
				}
				if table.Get(1) == nil {
					t.Fatal("added again, it is not found")
				}
			}
		})
	}
}

// model is the table as one would write it without a thought for speed: least
// recently used leaves first, and time passes with insertions.
type model struct {
	max  int
	now  int
	used map[int]int // by key: when it was used last
}

func (m *model) get(k int) bool {
	_, ok := m.used[k]
	if ok {
		m.used[k] = m.now
	}
	return ok
}

// leave takes out the keys that are no longer in the table, and says what is
// wrong with the choice.
func (m *model) leave(left []int) error {
	var out []int
	oldest := math.MaxInt // of those that stay
	for k, used := range m.used {
		if slices.Contains(left, k) {
			oldest = min(oldest, used)
		} else {
			out = append(out, k)
		}
	}
	if want := max(1, m.max/16); len(out) != want {
		return fmt.Errorf("%d keys left, want %d", len(out), want)
	}
	for _, k := range out {
		if m.used[k] > oldest {
			return fmt.Errorf("key %d left, used at %d; one that was used at %d stayed", k, m.used[k], oldest)
		}
		delete(m.used, k)
	}
	return nil
}

func (m *model) add(k int) {
	m.now++
	m.used[k] = m.now
}

func TestRandomWalk(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	steps := 100_000
	if testing.Short() {
		steps = 10_000
	}
	var table *Table[int, int]
	var m *model
	for step := range steps {
		if step%2000 == 0 {
			bound := 1 + dice.IntN(70)
			table, m = &Table[int, int]{Max: bound}, &model{max: bound, used: map[int]int{}}
		}
		k := dice.IntN(2 * m.max)
		switch what := dice.IntN(10); {
		case what < 5:
			if got, want := table.Get(k) != nil, m.get(k); got != want {
				t.Fatalf("step %d: Get(%d) found it: %v, want %v", step, k, got, want)
			}
		case what == 5:
			table.Delete(k)
			delete(m.used, k)
		default:
			full := len(m.used) == m.max
			if there := m.get(k); !there {
				if put(table, k); full {
					if err := m.leave(keys(table)); err != nil {
						t.Fatalf("step %d, Max %d: %v", step, m.max, err)
					}
				}
				m.add(k)
			} else if v := put(table, k); *v != k {
				t.Fatalf("step %d: GetOrAdd(%d) has the value of %d", step, k, *v)
			}
		}
		if table.Len() != len(m.used) {
			t.Fatalf("step %d: %d keys, want %d", step, table.Len(), len(m.used))
		}
		if step%64 == 0 {
			if got, want := keys(table), slices.Sorted(maps.Keys(m.used)); !slices.Equal(got, want) {
				t.Fatalf("step %d: the keys are %v, want %v", step, got, want)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	const bound, workers = 40, 8
	steps := 5_000
	if testing.Short() {
		steps = 2_000
	}
	table := &Table[int, int]{Max: bound}
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(worker), 1))
			for range steps {
				k := dice.IntN(3 * bound)
				var v *int
				switch dice.IntN(8) {
				case 0, 1, 2:
					v = put(table, k)
				case 3:
					table.Delete(k)
				case 4:
					for at, v := range table.All {
						if at != *v {
							t.Errorf("All: key %d has the value of %d", at, *v)
						}
						break
					}
				default:
					v = table.Get(k)
				}
				if v != nil && *v != k {
					t.Errorf("key %d has the value of %d", k, *v)
					return
				}
				if n := table.Len(); n > bound {
					t.Errorf("there are %d keys, want at most %d", n, bound)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := keys(table); len(got) != table.Len() || len(got) > bound {
		t.Errorf("%d keys are there, Len is %d, Max %d", len(got), table.Len(), bound)
	}
	for _, k := range keys(table) {
		if table.Get(k) == nil {
			t.Errorf("key %d is in All and not in Get", k)
		}
	}
}

// However many others read, and make old entries young while the writer looks
// for what shall leave, the table does not grow past Max, and a key that is
// used between any two insertions stays as long as there are some that are not.
func TestAFloodBesideReaders(t *testing.T) {
	const bound = 48
	floods := 5_000
	if testing.Short() {
		floods = 2_000
	}
	table := filled(bound)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for reader := range 4 {
		wg.Go(func() {
			for k := reader; ; k++ {
				select {
				case <-stop:
					return
				default:
					table.Get(k % (bound / 2))
				}
			}
		})
	}
	put(table, -1)
	for k := range floods {
		put(table, bound+k)
		if table.Get(-1) == nil {
			t.Fatalf("after insertion %d the key in use is gone", k)
		}
		if n := table.Len(); n > bound {
			t.Fatalf("after insertion %d there are %d keys", k, n)
		}
	}
	close(stop)
	wg.Wait()
}

type hostKey struct{ scheme, host string }

func TestGetAllocatesNothing(t *testing.T) {
	var table Table[hostKey, int]
	for n := range 100 {
		k := hostKey{"https", "host" + strconv.Itoa(n) + ".test"}
		table.GetOrAdd(k, func() (hostKey, *int) { return k, &n })
	}
	found, missing := hostKey{"https", "host7.test"}, hostKey{"https", "elsewhere.test"}
	if n := testing.AllocsPerRun(1000, func() { table.Get(found) }); n != 0 {
		t.Errorf("a key that is found costs %v allocations", n)
	}
	if n := testing.AllocsPerRun(1000, func() { table.Get(missing) }); n != 0 {
		t.Errorf("a key that is missing costs %v allocations", n)
	}
}

func BenchmarkGet(b *testing.B) {
	for _, n := range []int{1, 100, DefaultMax} {
		hosts := make([]hostKey, n)
		var table Table[hostKey, int]
		for i := range hosts {
			hosts[i] = hostKey{"https", "host" + strconv.Itoa(i) + ".test"}
			table.GetOrAdd(hosts[i], func() (hostKey, *int) { return hosts[i], &i })
		}
		b.Run(fmt.Sprintf("%d keys", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				table.Get(hosts[i%n])
			}
		})
		b.Run(fmt.Sprintf("%d keys, parallel", n), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					table.Get(hosts[i%n])
				}
			})
		})
	}
}

// BenchmarkFlood adds one new key after another to a full table.
func BenchmarkFlood(b *testing.B) {
	table := filled(DefaultMax)
	b.ReportAllocs()
	for k := DefaultMax + 1; b.Loop(); k++ {
		put(table, k)
	}
}
