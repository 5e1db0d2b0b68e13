package transport

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestStatsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Stats{Window: 12 * time.Second}
		took := time.Duration(0)
		rt := Record{Stats: &s}.Wrap(Func(func(req *http.Request) (*http.Response, error) {
			time.Sleep(took)
			return answer(req, 503, ""), nil
		}))
		s.Window = time.Hour // too late
		call := func(d time.Duration) { took = d; send(t, rt, get(t, "http://a.test")) }
		call(time.Second)
		call(2 * time.Second)
		w := s.Traffic().Window
		if w.Length != 12*time.Second || w.Total != 2 || w.Longest != 2*time.Second {
			t.Errorf("the window is %+v", w)
		}
		if got := s.Traffic().Mean; got != 1500*time.Millisecond {
			t.Errorf("the mean is %v", got)
		}
		time.Sleep(10 * time.Second)
		if w := s.Traffic().Window; w.Total != 1 || w.Longest != 2*time.Second {
			t.Errorf("when the first one left it, it is %+v", w)
		}
		time.Sleep(3 * time.Second)
		if w := s.Traffic().Window; w != (Window{Length: 12 * time.Second}) || w.ErrorRate() != 0 {
			t.Errorf("when all left it, it is %+v", w)
		}
		if got := s.Traffic(); got.Total != 2 || got.Failed != 2 {
			t.Errorf("the totals are %+v", got)
		}
	})
}

func TestStatsOfNothing(t *testing.T) {
	var s Stats
	got := s.Traffic()
	if got.Total != 0 || !got.Last.IsZero() || got.Window.P99 != 0 || got.Errors == nil || got.Consecutive == nil || got.Window.Length != time.Minute {
		t.Errorf("got %+v", got)
	}
}

func TestQuantilesAreNear(t *testing.T) {
	for _, test := range []struct {
		name string
		draw func(*rand.Rand) time.Duration
	}{
		{"even, up to a second", func(r *rand.Rand) time.Duration {
			return time.Duration(r.Int64N(int64(time.Second))) + 10*time.Microsecond
		}},
		{"exponential, about 20 ms", func(r *rand.Rand) time.Duration {
			return time.Duration(r.ExpFloat64()*20e6) + 10*time.Microsecond
		}},
		{"log-normal, about 100 ms", func(r *rand.Rand) time.Duration { return time.Duration(math.Exp(r.NormFloat64()) * 1e8) }},
		{"all the same", func(*rand.Rand) time.Duration { return 123456789 }},
		{"two minutes", func(r *rand.Rand) time.Duration { return 2*time.Minute + time.Duration(r.Int64N(1e9)) }},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		var h histogram
		var all []time.Duration
		for range 10_000 {
			d := test.draw(r)
			h.add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		for _, q := range []float64{0.5, 0.95, 0.99, 1} {
			want := all[int(math.Ceil(q*10_000))-1]
			got := h.quantile(q)
			if off := math.Abs(float64(got-want)) / float64(want); off > 0.0667 {
				t.Errorf("%s: quantile %v is %v, want %v: off by %.1f %%", test.name, q, got, want, 100*off)
			}
		}
	}
}

func TestHistogramEnds(t *testing.T) {
	for _, d := range []time.Duration{-1, 0, 1, time.Microsecond, time.Hour, math.MaxInt64} {
		var h histogram
		h.add(d) // no panic
		if got := h.quantile(0.5); got <= 0 || got > 5*time.Minute {
			t.Errorf("%v is read as %v", d, got)
		}
	}
	for i := range len(histogram{}) {
		if got := bucketOf(middle(i)); got != i {
			t.Errorf("the middle of bucket %d, %v, is in bucket %d", i, middle(i), got)
		}
	}
}

func TestStatsConcurrently(t *testing.T) {
	var s Stats
	rt := Record{Stats: &s}.Wrap(Func(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: [...]int{200, 503, 429}[rand.IntN(3)], Body: http.NoBody}, nil
	}))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			req := get(t, fmt.Sprintf("http://%d.test", i%2))
			for range 1000 {
				rt.RoundTrip(req)
			}
			s.Traffic()
		})
	}
	wg.Wait()
	got := s.Traffic()
	if got.Total != 8000 || got.Succeeded+got.Failed+got.Neutral != 8000 || got.InFlight != 0 || got.Window.Total != got.Succeeded+got.Failed {
		t.Errorf("got %+v", got)
	}
}

// A snapshot takes a while, in which calls come and go. It must not say of those
// that came and went that they are under way.
func TestStatsInFlightOfOneCaller(t *testing.T) {
	var s Stats
	s.init()
	s.stripes = s.stripes[:1] // of several, each is right at a moment of its own
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for req := get(t, "http://a.test"); !done.Load(); {
			s.end(req, s.begin(), &answered)
		}
	})
	for range 20_000 {
		if n := s.Traffic().InFlight; n < 0 || n > 1 {
			t.Errorf("%d calls are in flight", n)
			break
		}
	}
	done.Store(true)
	wg.Wait()
}

func TestStatsKeepsABoundedNumberOfOperations(t *testing.T) {
	var s Stats
	rt := Record{Stats: &s}.Wrap(Func(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Body: http.NoBody}, nil
	}))
	req := get(t, "http://a.test")
	for i := range 3000 {
		req.URL.Host = fmt.Sprintf("%d.test", i)
		rt.RoundTrip(req)
	}
	if n := len(s.Traffic().Consecutive); n > maxOperations {
		t.Errorf("%d operations are kept, want at most %d", n, maxOperations)
	}
}
