package fallback

import (
	"net/http"
	"strings"
	"time"
)

// rfc850 is the form of a date that had any zone once, and may have only this
// one in HTTP.
const rfc850 = "Monday, 02-Jan-06 15:04:05 GMT"

// parseDate reads a date of any of the three forms in RFC 9110, section 5.6.7,
// in letters of either case. What is not exactly of its form, or in a zone
// other than GMT, is no date: RFC 9111, section 4.2. That the day of the week
// may be wrong does no harm.
//
// It is tempting to use http.ParseTime; we do not, because it takes the time of
// any zone for GMT, and hours of one digit.
func parseDate(s string) (time.Time, bool) {
	if n := len(s) - 3; n > 0 && s[n:] != "GMT" && strings.EqualFold(s[n:], "GMT") {
		s = s[:n] + "GMT"
	}
	for _, form := range [...]string{http.TimeFormat, rfc850, time.ANSIC} {
		t, err := time.Parse(form, s)
		if err != nil {
			continue
		}
		var buf [40]byte
		if !strings.EqualFold(afterWeekday(string(t.AppendFormat(buf[:0], form))), afterWeekday(s)) {
			return time.Time{}, false
		}
		if form == rfc850 {
			t = inCentury(t, time.Now())
		}
		return t, true
	}
	return time.Time{}, false
}

func afterWeekday(s string) string {
	_, rest, _ := strings.Cut(s, " ")
	return rest
}

// inCentury puts a date of which only the last two digits of the year are known
// into this century; or, if it is more than 50 years ahead there, into the one
// before: RFC 9110, section 5.6.7.
func inCentury(t, now time.Time) time.Time {
	t = t.AddDate(now.Year()/100*100+t.Year()%100-t.Year(), 0, 0)
	if t.After(now.AddDate(50, 0, 0)) {
		t = t.AddDate(-100, 0, 0)
	}
	return t
}
