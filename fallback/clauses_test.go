package fallback_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// clauses are what the RFCs ask of a shared cache that lives in a client, each
// with the tests, or rows of their tables, that show it. Clauses of which the
// cache makes no use (parts, RFC 9111, 3.4; the Warning header, 5.5; delivery
// through intermediaries) are not among them.
var clauses = []struct {
	clause, asks string
	shown        []string
}{
	{"RFC 9111, 2", "the key is the method and the target URI", []string{"TestWhichURLsAreOne", "its answer is not stored", "TestAGetWithABodyIsNotStored"}},
	{"RFC 9111, 3", "MUST NOT store an answer of a status that is not understood, or is not final", []string{"TestStatusesThatAreStored", "TestContract"}},
	{"RFC 9111, 3", "MUST NOT store with no-store, nor private in a shared cache", []string{"private is not for everybody", `{"no-store", "5.2.2.5"`}},
	{"RFC 9111, 3.1", "MUST store all header fields but those of the connection and of proxies", []string{"TestWhatIsHandedOutAgain"}},
	{"RFC 9111, 3.2", "MUST update stored fields with those of a 304, but Content-Length and how the body is read", []string{"a 304 makes it fresh and changes its header", "a 304 does not change how the body is read"}},
	{"RFC 9111, 3.3", "MUST NOT store what is not complete as if it were", []string{"TestAnEndThatMayBeACutIsNoEnd", "TestABodyThatIsNotReadToItsEndIsNotStored", "206: false"}},
	{"RFC 9111, 3.5", "MUST NOT reuse an answer to a request with Authorization for another", []string{"an answer to Authorization is not for others", "TestNobodyGetsAnothersAnswer", "TestUsersAtRandom"}},
	{"RFC 9111, 4", "MUST NOT reuse unless URI, method, Vary, freshness allow", []string{"TestServingFresh", "TestStandingIn"}},
	{"RFC 9111, 4", "MUST generate Age on what it reuses without asking", []string{"a hit says Cache-Status", "tellsOf"}},
	{"RFC 9111, 4", "MUST write unsafe requests through", []string{"TestInvalidation"}},
	{"RFC 9111, 4", "MUST use the most recent of several answers", []string{"TestTheLaterAnswerStays"}},
	{"RFC 9111, 4", "without a clock MUST NOT reuse without asking", []string{"TestAnAgeIsWhatTheFurtherClockSays", "TestAClockThatWasSetBackIsAMiss"}},
	{"RFC 9111, 4.1", "MUST NOT reuse unless all that Vary names matches", []string{"Vary: another value", "Vary: two lines", "Vary: none is not empty"}},
	{"RFC 9111, 4.1", "Vary: * always fails to match", []string{"Vary: * among others"}},
	{"RFC 9111, 4.2", "dates: letters of either case SHOULD match, no zone but GMT", []string{"Expires in letters of the other case", "Expires in another zone is no date", "TestParseDate"}},
	{"RFC 9111, 4.2.1", "s-maxage, max-age, Expires in this order", []string{"s-maxage beats a longer max-age too", "max-age beats Expires", "Expires is counted from the origin's own Date"}},
	{"RFC 9111, 4.2.1", "conflicting values: the first, or stale", []string{"two values that differ: stale", "of two Expires the earlier one"}},
	{"RFC 9111, 4.2.2", "MUST NOT guess where freshness is explicit; SHOULD stay below a tenth", []string{"TestHeuristicFreshness"}},
	{"RFC 9111, 4.2.3", "age from Date, Age and the time under way", []string{"an old Date counts", "Age that still has room", "a Date in the year 1 is old", "a Date in the future does not"}},
	{"RFC 9111, 4.2.4", "MUST NOT serve stale what forbids it", []string{"must-revalidate beats max-stale", "s-maxage beats max-stale", "must-revalidate beats stale-if-error"}},
	{"RFC 9111, 4.3.1", "SHOULD ask with the validators that are stored", []string{"a stale answer with an ETag", "a stale answer with a date", "the question was"}},
	{"RFC 9111, 4.3.2", "answers conditions from what is fresh; MUST NOT judge If-Match", []string{"a caller's own condition is answered from what is fresh", "If-Match is the service's to judge", "without a Last-Modified the Date says when it can have changed"}},
	{"RFC 9111, 4.3.3", "304, 200 and 5xx to a question", []string{"a 200 takes its place", "a 503 is passed on and costs nothing"}},
	{"RFC 9111, 4.3.4", "MUST NOT update by a 304 with another strong validator", []string{"a 304 about something else is not believed", "a caller's 304 about a strong tag is not about a weak one", "TestA304AboutWhatTheCallerHasIsNotAboutWhatIsStored"}},
	{"RFC 9111, 4.3.5", "HEAD updates or makes stale", []string{"another ETag drops what is stored", "another length does", "the same one brings it up to date", "not to what was compressed on the way"}},
	{"RFC 9111, 4.4", "MUST invalidate the target; SHOULD Location and Content-Location, of the same origin alone", []string{"TestInvalidation", "TestInvalidationBehindAnotherName", "of another origin: not ours to drop"}},
	{"RFC 9111, 1.2.2", "MUST take numbers past its bounds for the largest", []string{"a value past all bounds is a long time", "an Age past all bounds is old"}},
	{"RFC 9111, 5.1", "SHOULD take the first of a list of ages, ignore what is none", []string{"of a list of ages the first", "a negative Age is ignored"}},
	{"RFC 9111, 5.2", "MUST take quoted and plain values; MUST ignore what is unknown", []string{"a value in quotation marks", "unknown directives are passed over"}},
	{"RFC 9111, 5.2.1", "what requests say", []string{"request max-age=0", "max-stale past its bound", "min-fresh that there is not", "request no-cache, with a validator", "request no-store keeps nothing", "nothing of a 304 to a request with no-store is kept"}},
	{"RFC 9111, 5.2.1.7", "only-if-cached: an answer that is stored, or 504", []string{"only-if-cached and it is not", "TestOnlyIfCachedAsksNobody"}},
	{"RFC 9111, 5.2.2.1", "max-age", []string{"at its end it is over", "a value with a point: do not store", "a negative value: do not store"}},
	{"RFC 9111, 5.2.2.2", "must-revalidate", []string{"must-revalidate is fresh while it is"}},
	{"RFC 9111, 5.2.2.3", "SHOULD ignore no-store beside must-understand, if it understands", []string{"no-store that is for others than us"}},
	{"RFC 9111, 5.2.2.4", "MUST NOT use without asking what says no-cache, in whole or for some fields", []string{"no-cache is validated each time", "no-cache for some fields counts as for all"}},
	{"RFC 9111, 5.2.2.7", "private, in whole or for some fields", []string{"private for some fields counts as for all"}},
	{"RFC 9111, 5.2.2.8", "proxy-revalidate", []string{"proxy-revalidate beats max-stale"}},
	{"RFC 9111, 5.3", "MUST take an Expires that is no date for the past", []string{"an Expires that is no date is the past", "an empty Expires is the past"}},
	{"RFC 9111, 5.4", "Pragma: no-cache where there is no Cache-Control", []string{"Pragma: no-cache stands in for it", "but not beside Cache-Control", "Pragma in an answer means nothing"}},
	{"RFC 9111, 7.1", "no answer of a stranger's making where others find it", []string{"the host that a proxy was asked", "another method than GET"}},
	{"RFC 9111, 7.3", "Set-Cookie does not make it private: it is not handed out again", []string{"an answer that sets a cookie for one who had none", "TestWhatIsHandedOutAgain"}},
	{"RFC 5861, 3", "stale-while-revalidate", []string{"the stale answer now, the new one next time", "stale-while-revalidate with nobody to revalidate", "past its time the service is asked first"}},
	{"RFC 5861, 4", "stale-if-error, in answers and in requests", []string{"stale-if-error is a limit too", "the request's stale-if-error is passed"}},
	{"RFC 9110, 5.6.7", "three forms of dates; two digits of a year", []string{"Expires as RFC 850 has it", "Expires as C prints it", "two digits, more than fifty years ahead"}},
	{"RFC 9110, 6.6.1", "MUST add a Date to what is stored without", []string{"TestWhatIsStoredHasADate"}},
	{"RFC 9110, 7.6.1", "MUST NOT pass on what Connection names", []string{"X-Hop"}},
	{"RFC 9110, 7.8", "an upgrade is not the cache's to answer", []string{"an upgrade is the service's to grant"}},
	{"RFC 9110, 9.3.2", "HEAD from what GET was answered", []string{"is answered from a GET's answer"}},
	{"RFC 9110, 12.5.3", "no coding for who cannot read it", []string{"and for nobody else, be there no Vary", "compressed on the way"}},
	{"RFC 9110, 13.1.2", "If-None-Match compares weakly, and knows *", []string{"If-None-Match: W/", "FuzzEntityTags"}},
	{"RFC 9110, 13.1.3", "MUST ignore an If-Modified-Since beside it, or that is no date", []string{"If-Modified-Since: yesterday"}},
	{"RFC 9110, 14.2", "ranges are the service's to cut", []string{"a range is asked for", "a part is asked for"}},
	{"RFC 9211, 2", "hit, fwd, fwd-status, ttl, collapsed, detail", []string{"TestFactsAreWrittenAsRFC9211Has", "FuzzCacheStatus", "TestNobodySpeaksInOurName"}},
}

// It checks that the tests are there; whether they pass is theirs to say.
func TestEachClauseNamesItsTests(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range files {
		if name == "clauses_test.go" {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(src)
	}
	for _, c := range clauses {
		for _, shown := range c.shown {
			if !strings.Contains(all.String(), shown) {
				t.Errorf("%s (%s): there is no %q", c.clause, c.asks, shown)
			}
		}
	}
}
