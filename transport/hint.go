package transport

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// hintOf reads what a server asks of a client that it did not serve. The more
// exact header wins: retry-after-ms over Retry-After. What does not parse was
// not said; what is too large to count is as long as can be.
func hintOf(h http.Header) Hint {
	hint := Hint{Retry: adviceOf(first(h, "X-Should-Retry"))}
	if d, ok := parseMillis(first(h, "Retry-After-Ms")); ok {
		hint.After = d
	} else if s := first(h, "Retry-After"); s != "" { // most do not say, and need no clock
		hint.After, _ = parseRetryAfter(s, time.Now())
	}
	return hint
}

// first is [http.Header.Get] for a name that is in canonical form already.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func adviceOf(s string) Advice {
	switch {
	case strings.EqualFold(s, "true"):
		return RetryYes
	case strings.EqualFold(s, "false"):
		return RetryNo
	}
	return NoAdvice
}

// parseRetryAfter reads a Retry-After value: a number of seconds, or an HTTP
// date, of which the past means now (RFC 9110, section 10.2.3).
func parseRetryAfter(s string, now time.Time) (time.Duration, bool) {
	s = strings.Trim(s, " \t")
	if s == "" {
		return 0, false
	}
	if isDigits(s) {
		return scale(s, time.Second), true
	}
	t, err := http.ParseTime(s)
	if err != nil {
		return 0, false
	}
	return max(0, t.Sub(now)), true
}

// parseMillis reads a retry-after-ms value, milliseconds with or without a
// fraction, as the LLM services send it.
func parseMillis(s string) (time.Duration, bool) {
	s = strings.Trim(s, " \t")
	switch {
	case s == "": // to parse it would allocate an error
		return 0, false
	case isDigits(s):
		return scale(s, time.Millisecond), true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		return 0, false
	}
	if f *= float64(time.Millisecond); f >= math.MaxInt64 {
		return math.MaxInt64, true
	}
	return time.Duration(f), true
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// scale returns the number s, which is all digits, in the given unit.
func scale(s string, unit time.Duration) time.Duration {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}
