package transport

import (
	"testing"
	"time"
)

func TestRing(t *testing.T) {
	const window = 10 * time.Second
	began := time.Unix(1_000_000_000, 0)
	for _, test := range []struct {
		name          string
		after         time.Duration
		calls, marked int
	}{
		{"at once", 0, 3, 1},
		{"as seen from the slot before", -time.Second, 0, 0},
		{"in the last slot of the window", window - 1, 3, 1},
		{"when the window has moved on", window, 0, 0},
		{"a window later", 2 * window, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r ring
			r.add(began, window, 2, 0)
			r.add(began, window, 1, 1)
			if calls, marked := r.sums(began.Add(test.after), window); calls != test.calls || marked != test.marked {
				t.Errorf("%d calls, %d marked; want %d and %d", calls, marked, test.calls, test.marked)
			}
		})
	}
	t.Run("a slot is used again", func(t *testing.T) {
		var r ring
		r.add(began, window, 2, 2)
		r.add(began.Add(window), window, 1, 0)
		if calls, marked := r.sums(began.Add(window), window); calls != 1 || marked != 0 {
			t.Errorf("%d calls, %d marked; want those of now alone", calls, marked)
		}
	})
}
