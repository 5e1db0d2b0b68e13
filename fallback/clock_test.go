package fallback

import (
	"testing"
	"time"
	"unsafe"
)

// set returns t as it would be had the clock that can be set gone d further
// than the other one. There is no other way to such a Time than to sleep with
// the whole machine: bits 30 to 62 of a Time's first word are seconds.
func set(t time.Time, d time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&t)) += uint64(d/time.Second) << 30
	return t
}

func TestAnAgeIsWhatTheFurtherClockSays(t *testing.T) {
	now := time.Now()
	if d := set(now, time.Hour).Round(0).Sub(now.Round(0)); d != time.Hour {
		t.Fatalf("a Time is made another way now: it went %v", d)
	}
	if d := set(now, time.Hour).Sub(now); d != 0 {
		t.Fatalf("the other clock went %v", d)
	}
	for _, row := range []struct {
		does string
		now  time.Time
		want time.Duration
		ok   bool
	}{
		{"both went a minute", now.Add(time.Minute), time.Minute, true},
		{"the machine slept for an hour", set(now.Add(time.Minute), time.Hour), time.Hour + time.Minute, true},
		{"the clock was set back an hour", set(now.Add(time.Minute), -time.Hour), time.Minute, true},
		{"it came from elsewhere a minute ago", now.Add(time.Minute).Round(0), time.Minute, true},
		{"it came from elsewhere, where clocks are a little ahead", now.Add(-clockSkew).Round(0), 0, true},
		{"it came from the future", now.Add(-clockSkew - 1).Round(0), 0, false},
	} {
		got, ok := (&entry{received: now}).kept(row.now)
		if got != row.want || ok != row.ok {
			t.Errorf("%s: %v, %v; want %v, %v", row.does, got, ok, row.want, row.ok)
		}
	}
}
