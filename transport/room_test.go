package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestRoomWalk walks at random, and compares each step with the simplest queue
// that one could write.
func TestRoomWalk(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for n := range uint64(8) {
		synctest.Test(t, func(t *testing.T) { walkRoom(t, rand.New(rand.NewPCG(seed, n)), 2000) })
	}
}

// A visitor is a call as its own goroutine has it, and as it should be.
type visitor struct {
	priority Priority
	patience time.Time
	cancel   func()
	finish   chan bool

	is   atomic.Value // a string: "waits", "inside", "gone", or why it was refused
	want string
}

func (v *visitor) visit(ctx context.Context, r *room, queue int, patience time.Duration) {
	v.is.Store("waits")
	err := r.enter(ctx, queue, patience)
	limited, _ := errors.AsType[*LimitError](err)
	switch {
	case limited != nil:
		v.is.Store(limited.What)
	case err != nil:
		v.is.Store(err.Error())
	default:
		v.is.Store("inside")
		<-v.finish
		v.is.Store("gone")
		r.leave()
	}
}

// visitors are all that came, the first to come first.
type visitors []*visitor

func (all visitors) that(want string) visitors {
	return slices.DeleteFunc(slices.Clone(all), func(v *visitor) bool { return v.want != want })
}

func (all visitors) first(p Priority) *visitor {
	i := slices.IndexFunc(all, func(v *visitor) bool { return v.priority == p })
	if i < 0 {
		return nil
	}
	return all[i]
}

// arrive says what becomes of v, who came last, and of whom it displaces.
func (all visitors) arrive(v *visitor, places, queue int) {
	waiting := all.that("waits")
	switch {
	case len(all.that("inside")) < places:
		v.want = "inside"
		return
	case len(waiting) < queue:
		v.want = "waits"
		return
	}
	slices.Reverse(waiting)
	for p := LowPriority; p < v.priority; p++ {
		if last := waiting.first(p); last != nil {
			last.want, v.want = "queue", "waits"
			return
		}
	}
	v.want = "queue"
}

// leave says who follows v.
func (all visitors) leave(v *visitor) {
	v.want = "gone"
	for p := HighPriority; p >= LowPriority; p-- {
		if next := all.that("waits").first(p); next != nil {
			next.want = "inside"
			return
		}
	}
}

func walkRoom(t *testing.T, r *rand.Rand, steps int) {
	places, queue := 1+r.IntN(3), r.IntN(6)
	room := newRoom("a", places)
	var all visitors
	one := func(want string) *visitor {
		if those := all.that(want); len(those) > 0 {
			return those[r.IntN(len(those))]
		}
		return nil
	}
	leave := func(v *visitor) { all.leave(v); close(v.finish) }
	for range steps {
		switch r.IntN(8) {
		case 0, 1, 2, 3:
			v := &visitor{priority: Priority(r.IntN(3) - 1), patience: time.Now().Add(time.Second), finish: make(chan bool)}
			ctx, cancel := context.WithCancel(WithPriority(t.Context(), v.priority))
			v.cancel = cancel
			all = append(all, v)
			all.arrive(v, places, queue)
			go v.visit(ctx, room, queue, time.Second)
		case 4, 5:
			if v := one("inside"); v != nil {
				leave(v)
			}
		case 6:
			if v := one("waits"); v != nil {
				v.want = context.Canceled.Error()
				v.cancel()
			}
		case 7:
			time.Sleep(time.Duration(r.IntN(5)) * 100 * time.Millisecond)
			for _, v := range all.that("waits") {
				if !v.patience.After(time.Now()) {
					v.want = "wait"
				}
			}
		}
		synctest.Wait()
		for i, v := range all {
			if is := v.is.Load(); is != v.want {
				t.Fatalf("visitor %d, priority %d: %q, want %q", i, v.priority, is, v.want)
			}
		}
		all = slices.DeleteFunc(all, func(v *visitor) bool { return v.want != "inside" && v.want != "waits" })
	}
	for v := one("inside"); v != nil; v = one("inside") {
		leave(v)
		synctest.Wait()
	}
	if room.free != places || room.waiting != 0 {
		t.Errorf("in the end %d of %d places are free, and %d wait", room.free, places, room.waiting)
	}
}

// TestRoomStorm has calls come, go and lose patience all at once.
func TestRoomStorm(t *testing.T) {
	const places = 3
	r := newRoom("a", places)
	var inside, served atomic.Int32
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			ctx := WithPriority(t.Context(), Priority(n%3-1))
			for range 500 {
				ctx, cancel := context.WithCancel(ctx)
				if n%2 == 0 {
					go cancel()
				}
				if r.enter(ctx, 6, time.Duration(rand.IntN(50))*time.Microsecond) == nil {
					if in := inside.Add(1); in > places {
						t.Errorf("%d are inside", in)
					}
					served.Add(1)
					runtime.Gosched()
					inside.Add(-1)
					r.leave()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if r.free != places || r.waiting != 0 || served.Load() == 0 {
		t.Errorf("of %d places %d are free, %d wait, %d were served", places, r.free, r.waiting, served.Load())
	}
}

// A call that loses patience in the very moment in which a place is given to
// it gives it back.
func TestAPlaceGivenTooLateIsGivenBack(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			r := newRoom("a", 1)
			if err := r.enter(t.Context(), 1, -1); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			time.AfterFunc(time.Second, r.leave)
			if r.enter(ctx, 1, time.Second) == nil {
				r.leave()
			}
			synctest.Wait()
			if r.free != 1 || r.waiting != 0 {
				t.Fatalf("%d places are free and %d wait, want 1 and none", r.free, r.waiting)
			}
		})
	}
}
