package transport

import (
	"math"
	"net/http"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// retryAfters are values of Retry-After and what they mean at noon; -1 means
// that nothing was said.
var retryAfters = []struct {
	name, value string
	want        time.Duration
}{
	{"nothing", "", -1},
	{"seconds", "120", 2 * time.Minute},
	{"no seconds", "0", 0},
	{"seconds with leading zeros", "007", 7 * time.Second},
	{"seconds with space around them", " 5\t", 5 * time.Second},
	{"negative seconds", "-5", -1},
	{"seconds with a sign", "+5", -1},
	{"a fraction of seconds", "1.5", -1},
	{"an exponent", "1e3", -1},
	{"more seconds than a Duration has room for", "9223372037", math.MaxInt64},
	{"the most seconds that it has room for", "9223372036", 9223372036 * time.Second},
	{"more than an int64 has room for", "99999999999999999999", math.MaxInt64},
	{"a date", "Tue, 24 Nov 2026 12:00:30 GMT", 30 * time.Second},
	{"a date in the past", "Tue, 24 Nov 2026 11:00:00 GMT", 0},
	{"a date in the form of RFC 850", "Tuesday, 24-Nov-26 12:01:00 GMT", time.Minute},
	{"a date in the form of asctime", "Tue Nov 24 12:01:00 2026", time.Minute},
	{"a date too far to count", "Fri, 31 Dec 9999 23:59:59 GMT", math.MaxInt64},
	{"a date that is none", "Tue, 99 Nov 2026 12:00:30 GMT", -1},
	{"garbage", "soon", -1},
	{"two numbers", "5 6", -1},
	{"other digits", "٥", -1},
}

func TestParseRetryAfter(t *testing.T) {
	for _, test := range retryAfters {
		got, ok := parseRetryAfter(test.value, noon)
		if ok != (test.want >= 0) || ok && got != test.want {
			t.Errorf("%s: %q is %v, %v; want %v", test.name, test.value, got, ok, test.want)
		}
	}
}

var millis = []struct {
	name, value string
	want        time.Duration
}{
	{"nothing", "", -1},
	{"milliseconds", "1500", 1500 * time.Millisecond},
	{"none", "0", 0},
	{"a fraction", "0.5", 500 * time.Microsecond},
	{"none, with a fraction", "0.0", 0},
	{"an exponent", "1e3", time.Second},
	{"negative", "-1", -1},
	{"more than there is room for", "9223372036855", math.MaxInt64},
	{"the first for which there is no room", "9223372036854.775808", math.MaxInt64},
	{"a fraction of more than there is room for", "1e300", math.MaxInt64},
	{"more than a float has room for", "1e999", -1},
	{"no number", "NaN", -1},
	{"infinity", "Inf", math.MaxInt64},
	{"garbage", "5ms", -1},
}

func TestParseMillis(t *testing.T) {
	for _, test := range millis {
		got, ok := parseMillis(test.value)
		if ok != (test.want >= 0) || ok && got != test.want {
			t.Errorf("%s: %q is %v, %v; want %v", test.name, test.value, got, ok, test.want)
		}
	}
}

func TestHint(t *testing.T) {
	for _, test := range []struct {
		name string
		h    http.Header
		want Hint
	}{
		{"no headers at all", nil, Hint{}},
		{"Retry-After", header("Retry-After", "3"), Hint{After: 3 * time.Second}},
		{"retry-after-ms", header("retry-after-ms", "3"), Hint{After: 3 * time.Millisecond}},
		{"retry-after-ms wins", header("retry-after-ms", "0", "Retry-After", "3"), Hint{}},
		{"retry-after-ms that is none does not", header("retry-after-ms", "x", "Retry-After", "3"), Hint{After: 3 * time.Second}},
		{"the first of two values counts", http.Header{"Retry-After": {"3", "4"}}, Hint{After: 3 * time.Second}},
		{"the server wants it again", header("x-should-retry", "true"), Hint{Retry: RetryYes}},
		{"the server does not want it again", header("x-should-retry", "FALSE"), Hint{Retry: RetryNo}},
		{"the server does not know what it wants", header("x-should-retry", "1"), Hint{}},
	} {
		if got := hintOf(test.h); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestHintOfADateCountsFromNow(t *testing.T) {
	h := header("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	if got := hintOf(h).After; got < 59*time.Minute || got > time.Hour {
		t.Errorf("got %v, want an hour", got)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, test := range retryAfters {
		f.Add(test.value)
	}
	for _, test := range millis {
		f.Add(test.value)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := parseRetryAfter(s, noon); d < 0 || !ok && d != 0 {
			t.Errorf("%q is %v, %v", s, d, ok)
		}
		if d, ok := parseMillis(s); d < 0 || !ok && d != 0 {
			t.Errorf("%q ms is %v, %v", s, d, ok)
		}
	})
}
