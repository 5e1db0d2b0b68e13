package transport

import (
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRules(t *testing.T) {
	// A history is one letter a call: f fails, s is a success, o is a slow one,
	// and a digit lets that many seconds pass.
	for _, test := range []struct {
		name    string
		rule    Rule
		history string
		want    State
	}{
		{"Leaky opens at five failures", Leaky{}, "fffff", Open},
		{"and not at four", Leaky{}, "ffff", Closed},
		{"a success takes one away", Leaky{}, "ffffsf", Closed},
		{"however many successes, it does not go below zero", Leaky{}, "ssssssssfffff", Open},
		{"time does not matter", Leaky{}, "f9f9f9f9f", Open},
		{"every second call that fails never reaches it", Leaky{}, strings.Repeat("fs", 500), Closed},

		{"Ratio needs its volume", Ratio{}, strings.Repeat("f", 19), Closed},
		{"and opens with it", Ratio{}, strings.Repeat("f", 20), Open},
		{"half of the calls is enough", Ratio{}, strings.Repeat("sf", 10), Open},
		{"less is not", Ratio{}, strings.Repeat("ssf", 100), Closed},
		{"its share is a setting", Ratio{Share: 0.3}, strings.Repeat("ssf", 7), Open},
		{"its volume is", Ratio{MinCalls: 3}, "fff", Open},
		{"what left the window does not count", Ratio{MinCalls: 4}, "ff99ff", Closed},
		{"what is in it does", Ratio{MinCalls: 4}, "ff9ff", Open},
		{"its window is a setting", Ratio{MinCalls: 4, Window: time.Minute}, "ff99999ff", Open},
		{"it opens on a failure alone", Ratio{MinCalls: 4}, "ffs9s", Closed},

		{"Slow opens on slow calls", Slow{MinCalls: 4, Window: time.Minute}, "ssoo", Open},
		{"and on failures", Slow{MinCalls: 4}, "ffff", Open},
		{"quick ones are fine", Slow{MinCalls: 4}, strings.Repeat("s", 50), Closed},
		{"what is slow is a setting", Slow{MinCalls: 4, Over: time.Minute}, strings.Repeat("o", 50), Closed},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := Breaker{Rule: test.rule}
				rt := b.Wrap(Func(func(req *http.Request) (*http.Response, error) {
					switch req.Method {
					case "f":
						return answer(req, 503, ""), nil
					case "o":
						time.Sleep(5*time.Second + 1)
					}
					return answer(req, 200, ""), nil
				}))
				for _, step := range test.history {
					if step >= '0' && step <= '9' {
						time.Sleep(time.Duration(step-'0') * time.Second)
						continue
					}
					if got := b.States(); len(got) > 0 && got[0].State != Closed {
						t.Fatalf("it is %v before the end", got[0].State)
					}
					req := get(t, "http://a.test")
					req.Method = string(step)
					send(t, rt, req)
				}
				if got := the(t, &b).State; got != test.want {
					t.Errorf("it is %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestSlowProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{Rule: Slow{MinCalls: 1}, Successes: 1}
		took := 6 * time.Second
		rt := b.Wrap(Func(func(req *http.Request) (*http.Response, error) {
			time.Sleep(took)
			return answer(req, 200, ""), nil
		}))
		send(t, rt, get(t, "http://a.test"))
		time.Sleep(time.Minute)
		send(t, rt, get(t, "http://a.test"))
		if got := the(t, &b).State; got != Open {
			t.Errorf("after a slow probe it is %v, want open", got)
		}
		time.Sleep(2 * time.Minute)
		took = time.Second
		send(t, rt, get(t, "http://a.test"))
		if got := the(t, &b); got.State != Closed || got.Failures != 0 {
			t.Errorf("after a quick probe it is %+v, want closed", got)
		}
	})
}

func TestRulesTellTheirFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Breaker{Rule: Ratio{}}
		rt := b.Wrap(script(503))
		send(t, rt, get(t, "http://a.test"))
		send(t, rt, get(t, "http://a.test"))
		if got := the(t, &b).Failures; got != 2 {
			t.Errorf("%d failures, want those of the window, 2", got)
		}
		time.Sleep(11 * time.Second)
		if got := the(t, &b).Failures; got != 0 {
			t.Errorf("%d failures, want those of the window, 0", got)
		}
	})
}

func TestRulesValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		rule Rule
		want string
	}{
		{"the zero values are valid", Leaky{}, ""},
		{"the zero values are valid", Ratio{}, ""},
		{"the zero values are valid", Slow{}, ""},
		{"Share below 0", Ratio{Share: -0.1}, "Ratio.Share"},
		{"Share above 1", Slow{Share: 1.1}, "Slow.Share"},
		{"a Share of all", Ratio{Share: 1}, ""},
		{"Share that is no number", Ratio{Share: nan()}, "Ratio.Share"},
		{"MinCalls", Ratio{MinCalls: -1}, "Ratio.MinCalls"},
		{"Window below 0", Ratio{Window: -1}, "Ratio.Window"},
		{"a window too short for its slots", Slow{Window: ringSlots - 1}, "Slow.Window"},
		{"the shortest there is", Slow{Window: ringSlots}, ""},
		{"Over", Slow{Over: -1}, "Slow.Over"},
	} {
		err := test.rule.validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestSlowIsWhatTakesLongerThanOver(t *testing.T) {
	c := Slow{Over: time.Second}.counter()
	if c.slow(time.Second) || !c.slow(time.Second+1) || !c.timed() {
		t.Error("a second is slow, or a moment more is not, or nobody asks for the time")
	}
	if (Ratio{}).counter().timed() {
		t.Error("Ratio asks how long calls take, and has no use for it")
	}
}

func nan() (f float64) { return f / f }

// A random walk that reaches the threshold sooner or later at any rate: what
// the comment on Leaky says of how soon.
func TestLeakyOpensInTimeAtAnyRate(t *testing.T) {
	for rate, want := range map[float64]float64{0.30: 290, 0.25: 720, 0.20: 2300, 0.10: 83_000} {
		r := rand.New(rand.NewPCG(1, 2))
		const openings = 100
		calls := 0
		for range openings {
			for c := (Leaky{}).counter(); ; {
				calls++
				if c.count(result{failed: r.Float64() < rate}, 5) {
					break
				}
			}
		}
		if mean := float64(calls) / openings; math.Abs(mean-want) > 0.15*want {
			t.Errorf("at a rate of %v it opens after %.0f calls on average, want about %.0f", rate, mean, want)
		}
	}
}
