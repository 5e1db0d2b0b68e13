package transport

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// spend sends n calls that all fail, and returns how many were sent again.
func spend(t *testing.T, rt http.RoundTripper, base *scripted, url string, n int) (retries int) {
	t.Helper()
	before := base.calls()
	for range n {
		send(t, rt, get(t, url))
	}
	return base.calls() - before - n
}

func TestBudgetByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := script(503)
		rt := atOnce(Retry{MaxAttempts: 2}).Wrap(base)
		if got := spend(t, rt, base, "http://a.test", 50); got != 10 {
			t.Errorf("50 calls: %d retries, want the floor, 10", got)
		}
		req, trip := withTrip(get(t, "http://a.test"))
		if code, text, err := send(t, rt, req); code != 503 || text == "" || err != nil || trip.GaveUp() != ReasonBudget {
			t.Errorf("without a budget left: %d %q, %v, gave up because of %q", code, text, err, trip.GaveUp())
		}
		if got := spend(t, rt, base, "http://a.test", 149); got != 30 {
			t.Errorf("200 calls: %d more retries, want 20 %% of all, 40 in all", got)
		}
		if got := spend(t, rt, base, "http://b.test", 20); got != 10 {
			t.Errorf("another host: %d retries, want 10 of its own", got)
		}
		time.Sleep(10 * time.Second)
		if got := spend(t, rt, base, "http://a.test", 50); got != 10 {
			t.Errorf("10 s later: %d retries, want the floor again, 10", got)
		}
	})
}

func TestBudgetSlides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := script(503)
		rt := atOnce(Retry{MaxAttempts: 2, Budget: &Budget{Floor: 2}}).Wrap(base)
		var got []int
		for range 4 {
			got = append(got, spend(t, rt, base, "http://a.test", 1))
			time.Sleep(4 * time.Second)
		}
		if fmt.Sprint(got) != "[1 1 0 1]" {
			t.Errorf("one call every 4 s with 2 retries in 10 s: %v, want the first one's to be free again at 12 s", got)
		}
	})
}

func TestBudgetSettings(t *testing.T) {
	for _, test := range []struct {
		name string
		b    *Budget
		want int // retries of 100 calls
	}{
		{"there may be no bound", &Budget{Ratio: -1}, 100},
		{"a larger share", &Budget{Ratio: 0.5}, 50},
		{"all of them", &Budget{Ratio: 1}, 100},
		{"a larger floor", &Budget{Floor: 50}, 50},
		{"no floor", &Budget{Floor: -1}, 20},
		{"next to nothing", &Budget{Ratio: 0.001, Floor: -1}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := script(503)
			rt := atOnce(Retry{MaxAttempts: 2, Budget: test.b}).Wrap(base)
			if got := spend(t, rt, base, "http://a.test", 100); got != test.want {
				t.Errorf("%s: %d retries, want %d", test.name, got, test.want)
			}
		})
	}
}

func TestBudgetCountsCallsThatGoWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Budget{Floor: 1}
		base := script(503, 200)
		rt := atOnce(Retry{MaxAttempts: 2, Budget: &b}).Wrap(base)
		if got := b.States(); len(got) != 0 {
			t.Errorf("before anything it watches %+v", got)
		}
		for range 50 {
			send(t, rt, get(t, "http://a.test"))
		}
		if got := b.States(); len(got) != 1 || got[0] != (BudgetState{Key: "http://a.test", Calls: 50, Retries: 1, Left: 9}) {
			t.Errorf("it has %+v", got)
		}
	})
}

func TestBudgetForgetsHostsThatAreWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(Budget)
		rt := atOnce(Retry{Budget: b}).Wrap(script(503, 200))
		send(t, rt, get(t, "http://a.test"))
		time.Sleep(20*time.Second + 1)
		send(t, rt, get(t, "http://a.test"))
		if got := b.States(); len(got) != 0 {
			t.Errorf("two windows after the last retry it watches %+v still", got)
		}
	})
}

func TestBudgetIsBounded(t *testing.T) {
	b := new(Budget)
	rt := atOnce(Retry{Budget: b}).Wrap(Func(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Body: http.NoBody}, nil
	}))
	req := get(t, "http://a.test")
	for i := range 12_000 {
		req.URL.Host = fmt.Sprintf("%d.test", i)
		rt.RoundTrip(req)
	}
	if n := len(b.States()); n > 10_000 {
		t.Errorf("it watches %d hosts", n)
	}
}

func TestBudgetIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Budget
		b.Key = func(*http.Request) string { return "all" }
		base := script(503)
		one, two := atOnce(Retry{MaxAttempts: 2, Budget: &b}).Wrap(base), atOnce(Retry{MaxAttempts: 2, Budget: &b}).Wrap(base)
		if got := spend(t, one, base, "http://a.test", 10) + spend(t, two, base, "http://b.test", 10); got != 10 {
			t.Errorf("%d retries, want 10 for both", got)
		}
	})
}

func TestBudgetIsFrozen(t *testing.T) {
	b := Budget{Floor: 5}
	base := script(503)
	rt := atOnce(Retry{MaxAttempts: 2, Budget: &b}).Wrap(base)
	b.Floor = 100
	if got := spend(t, rt, base, "http://a.test", 20); got != 5 {
		t.Errorf("%d retries: the field is read still", got)
	}
}

func TestBudgetConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the window does not slide meanwhile
		base := script(503)
		b := new(Budget)
		rt := atOnce(Retry{MaxAttempts: 2, Budget: b}).Wrap(base)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for range 100 {
					send(t, rt, get(t, "http://a.test"))
				}
			})
		}
		wg.Wait()
		if got := base.calls() - 1000; got > 200 || got < 190 {
			t.Errorf("%d retries of 1000 calls, want about 200 and no more", got)
		}
		if got := b.States()[0]; got.Calls != 1000 || got.Retries != base.calls()-1000 {
			t.Errorf("it has %+v", got)
		}
	})
}

func TestBudgetValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		b    *Budget
		want string
	}{
		{"the zero value is valid", new(Budget), ""},
		{"negative is off", &Budget{Ratio: -1, Floor: -1}, ""},
		{"Ratio", &Budget{Ratio: 1.5}, "Budget.Ratio"},
		{"Window", &Budget{Window: -1}, "Budget.Window"},
		{"a window too short for its slots", &Budget{Window: ringSlots - 1}, "Budget.Window"},
		{"the shortest there is", &Budget{Window: ringSlots}, ""},
	} {
		err := test.b.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if err != nil {
			got, _ := mustPanic(t, func() { Retry{Budget: test.b}.Wrap(nil) }).(error)
			if got == nil || !strings.Contains(got.Error(), test.want) || errors.Is(got, errBoom) {
				t.Errorf("%s: Wrap panics with %v", test.name, got)
			}
		}
	}
}
