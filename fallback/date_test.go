package fallback

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// The bubble's clock says 2000.
var dates = []struct{ does, text, want string }{
	{"the form of today", "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
	{"that of RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
	{"that of C", "Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"},
	{"letters of the other case", "SUN, 06 nov 1994 08:49:37 gmt", "1994-11-06T08:49:37Z"},
	{"a wrong day of the week", "Mon, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
	{"two digits, fifty years ahead", "Friday, 31-Dec-49 00:00:00 GMT", "2049-12-31T00:00:00Z"},
	{"two digits, more than fifty years ahead", "Saturday, 02-Jan-50 00:00:00 GMT", "1950-01-02T00:00:00Z"},
	{"two digits, a leap day", "Tuesday, 29-Feb-00 00:00:00 GMT", "2000-02-29T00:00:00Z"},
	{"the first year", "Mon, 01 Jan 0001 00:00:00 GMT", "0001-01-01T00:00:00Z"},
	{"the last year", "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z"},
	{"nothing", "", ""},
	{"a number", "0", ""},
	{"another zone", "Sun, 06 Nov 1994 08:49:37 PST", ""},
	{"another zone, RFC 850", "Sunday, 06-Nov-94 08:49:37 PST", ""},
	{"UTC", "Sun, 06 Nov 1994 08:49:37 UTC", ""},
	{"an offset", "Sun, 06 Nov 1994 08:49:37 +0000", ""},
	{"no zone", "Sun, 06 Nov 1994 08:49:37", ""},
	{"a day of one digit", "Sun, 6 Nov 1994 08:49:37 GMT", ""},
	{"an hour of one digit", "Sun, 06 Nov 1994 8:49:37 GMT", ""},
	{"a fraction", "Sun, 06 Nov 1994 08:49:37.00 GMT", ""},
	{"a day that is not there", "Wed, 30 Feb 1994 08:49:37 GMT", ""},
	{"an hour that is not there", "Sun, 06 Nov 1994 24:49:37 GMT", ""},
	{"full stops", "Sun, 06 Nov 1994 08.49.37 GMT", ""},
	{"more behind it", "Sun, 06 Nov 1994 08:49:37 GMT ", ""},
	{"ISO", "1994-11-06T08:49:37Z", ""},
}

func TestParseDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, row := range dates {
			got := ""
			if at, ok := parseDate(row.text); ok {
				got = at.Format(time.RFC3339Nano)
			}
			if got != row.want {
				t.Errorf("%s: %q is %q, want %q", row.does, row.text, got, row.want)
			}
		}
	})
}

func FuzzParseDate(f *testing.F) {
	for _, row := range dates {
		f.Add(row.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := parseDate(s)
		if !ok {
			return
		}
		if again, ok := parseDate(at.Format(http.TimeFormat)); !ok || !again.Equal(at) {
			t.Errorf("%q is %v, and that %v", s, at, again)
		}
	})
}
