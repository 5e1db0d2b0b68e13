package fallback

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var controls = []struct {
	does  string
	lines []string
	want  string // the directives understood, "malformed" if it is
}{
	{"nothing", nil, ""},
	{"an empty line", []string{""}, ""},
	{"empty members", []string{" , ,,max-age=1,"}, "max-age=1s"},
	{"all that there is", []string{"no-store, no-cache, private, public, must-revalidate, must-understand, proxy-revalidate, only-if-cached"}, "no-store no-cache private public must-revalidate must-understand proxy-revalidate only-if-cached"},
	{"all numbers", []string{"max-age=1, s-maxage=2, max-stale=3, min-fresh=4, stale-if-error=5, stale-while-revalidate=6"}, "max-age=1s s-maxage=2s max-stale=3s min-fresh=4s stale-if-error=5s stale-while-revalidate=6s"},
	{"max-stale alone", []string{"max-stale"}, "any-max-stale"},
	{"a list of fields", []string{`private="a, b", no-cache="c"`}, "no-cache private"},
	{"an escape in a string", []string{`x="a\"b, no-store", max-age=1`}, "max-age=1s"},
	{"a directive in a string is none", []string{`x="no-store"`}, ""},
	{"spaces", []string{" max-age=1 ,\tno-cache "}, "no-cache max-age=1s"},
	{"several lines", []string{"max-age=1", "no-cache"}, "no-cache max-age=1s"},
	{"the same twice", []string{"max-age=7, max-age=7"}, "max-age=7s"},
	{"twice, and not the same", []string{"max-age=7, max-age=8"}, "max-age=0s"},
	{"past all bounds", []string{"max-age=2147483649"}, "max-age=596523h14m8s"},
	{"unknown", []string{"immutable, x=y, max-age=1"}, "max-age=1s"},
	{"space before the sign", []string{"max-age =1"}, "malformed"},
	{"space after the sign", []string{"max-age= 1"}, "malformed"},
	{"no number", []string{"max-age="}, "malformed"},
	{"a letter", []string{"max-age=1s"}, "malformed"},
	{"a sign", []string{"max-age=+1"}, "malformed"},
	{"an empty string", []string{`max-age=""`}, "malformed"},
	{"a string without an end", []string{`x="a`}, "malformed"},
	{"a semicolon", []string{"max-age=1; no-cache"}, "malformed"},
	{"two words", []string{"no cache"}, "malformed"},
	{"not ASCII", []string{"mäx-age=1"}, "malformed"},
}

func (c control) words() string {
	var w []string
	for _, f := range []struct {
		on   bool
		name string
	}{
		{c.noStore, "no-store"}, {c.noCache, "no-cache"}, {c.private, "private"}, {c.public, "public"},
		{c.mustRevalidate, "must-revalidate"}, {c.mustUnderstand, "must-understand"}, {c.proxyRevalidate, "proxy-revalidate"}, {c.onlyIfCached, "only-if-cached"},
		{c.anyMaxStale, "any-max-stale"},
	} {
		if f.on {
			w = append(w, f.name)
		}
	}
	for _, f := range []struct {
		d    time.Duration
		name string
	}{
		{c.maxAge, "max-age"}, {c.sMaxAge, "s-maxage"}, {c.maxStale, "max-stale"}, {c.minFresh, "min-fresh"},
		{c.staleIfError, "stale-if-error"}, {c.staleWhileRevalidate, "stale-while-revalidate"},
	} {
		if f.d != absent {
			w = append(w, f.name+"="+f.d.String())
		}
	}
	return strings.Join(w, " ")
}

func TestParseControl(t *testing.T) {
	for _, row := range controls {
		c, ok := parseControl(row.lines)
		got := c.words()
		if !ok {
			got = "malformed"
		}
		if got != row.want {
			t.Errorf("%s: %q is %q, want %q", row.does, row.lines, got, row.want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { parseControl([]string{"public, max-age=60, stale-if-error=600"}) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseControl(f *testing.F) {
	for _, row := range controls {
		f.Add(strings.Join(row.lines, "\n"))
	}
	f.Fuzz(func(t *testing.T, s string) {
		lines := strings.Split(s, "\n")
		c, ok := parseControl(lines)
		for _, d := range []time.Duration{c.maxAge, c.sMaxAge, c.maxStale, c.minFresh, c.staleIfError, c.staleWhileRevalidate} {
			if d < absent || d > longest {
				t.Errorf("%q: a duration of %d", s, d)
			}
		}
		if !ok && c != noControl {
			t.Errorf("%q is malformed, and says %q", s, c.words())
		}
		// One line or many, it is one list.
		if joined, ok2 := parseControl([]string{strings.Join(lines, ",")}); ok && (!ok2 || joined != c) {
			t.Errorf("%q: %q in lines, %q in one", s, c.words(), joined.words())
		}
		// A directive that forbids is never overlooked where it stands plainly.
		if plain, _ := parseControl(append(slices.Clone(lines), "no-store")); ok && !plain.noStore {
			t.Errorf("%q hides a no-store in the next line", s)
		}
	})
}

var varies = []struct {
	does  string
	lines []string
	want  string
	ok    bool
}{
	{"none", nil, "", true},
	{"empty", []string{""}, "", true},
	{"one", []string{"Accept"}, "accept", true},
	{"sorted, in one case, each once", []string{"B, a", "b"}, "a,b", true},
	{"spaces and empty members", []string{" a ,, \tb"}, "a,b", true},
	{"a star", []string{"*"}, "", false},
	{"a star among others", []string{"a, *"}, "", false},
	{"a star in a second line", []string{"a", "*"}, "", false},
	{"more stars", []string{"**"}, "", false},
	{"two words", []string{"a b"}, "", false},
	{"a colon", []string{"a:"}, "", false},
}

func TestParseVary(t *testing.T) {
	for _, row := range varies {
		if got, ok := parseVary(row.lines); got != row.want || ok != row.ok {
			t.Errorf("%s: %q is %q, %v; want %q, %v", row.does, row.lines, got, ok, row.want, row.ok)
		}
	}
}

func FuzzParseVary(f *testing.F) {
	for _, row := range varies {
		f.Add(strings.Join(row.lines, "\n"))
	}
	f.Fuzz(func(t *testing.T, s string) {
		spec, ok := parseVary(strings.Split(s, "\n"))
		again, ok2 := parseVary([]string{spec})
		if ok && (!ok2 || again != spec) {
			t.Errorf("%q becomes %q, and that %q", s, spec, again)
		}
		if strings.Contains(s, "*") && ok && !strings.ContainsAny(strings.ReplaceAll(s, "*", ""), tokenLetters) {
			t.Errorf("%q is taken for a list", s)
		}
	})
}

const tokenLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'+-.^_`|~"

func FuzzCacheStatus(f *testing.F) {
	for _, s := range []string{
		"safetrip; hit", `"safetrip"; hit`, "a; hit, safetrip", `a; detail="safetrip; hit", b`, `a; detail="x`, "SAFETRIP", "safetrip\t;x",
		`"a\"", safetrip`, `"safetrip`, ",,safetrip,,", "x;y=safetrip", `"a\\", safetrip; hit`, `b;a="\", safetrip"`, "safetrip 000", `"safetrip"x`, `"s;", safetrip`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := withoutOurName(http.Header{"Cache-Status": {s}, "X": {"y"}})
		if h.Get("X") != "y" {
			t.Fatal("another header got lost")
		}
		for _, line := range h["Cache-Status"] {
			for _, name := range memberNames(line) {
				if strings.EqualFold(name, ourName) {
					t.Errorf("%q still speaks in our name: %q", s, line)
				}
			}
		}
	})
}

// memberNames reads the names of a list's members by the letter of RFC 9651,
// section 4.2.1, as far as it goes.
func memberNames(s string) []string {
	var names []string
	for s = strings.TrimLeft(s, " \t"); s != ""; {
		var name string
		if s[0] == '"' {
			i := 1
			for i < len(s) && s[i] != '"' {
				if s[i] == '\\' && i+1 < len(s) {
					i++
				}
				name += string(s[i])
				i++
			}
			s = s[min(i+1, len(s)):]
		} else {
			i := strings.IndexAny(s, " \t;,\"")
			if i < 0 {
				i = len(s)
			}
			name, s = s[:i], s[i:]
		}
		names = append(names, name)
		quoted := false
		for s != "" && (quoted || s[0] != ',') {
			if quoted && s[0] == '\\' && len(s) > 1 {
				s = s[1:]
			} else if s[0] == '"' {
				quoted = !quoted
			}
			s = s[1:]
		}
		s = strings.TrimLeft(strings.TrimPrefix(s, ","), " \t")
	}
	return names
}

func TestFactsAreWrittenAsRFC9211Has(t *testing.T) {
	for _, row := range []struct {
		f    facts
		want string
	}{
		{facts{ttl: 376}, "safetrip; hit; ttl=376"},
		{facts{ttl: -412}, "safetrip; hit; ttl=-412"},
		{facts{why: fwdStale, status: 503, ttl: -5, step: "cached"}, "safetrip; fwd=stale; fwd-status=503; ttl=-5; detail=cached"},
		{facts{why: fwdMiss, collapsed: true}, "safetrip; fwd=miss; collapsed"},
		{facts{why: fwdMiss, step: "two words"}, `safetrip; fwd=miss; detail="two words"`},
		{facts{why: fwdMiss, step: "a\"b\\c\r\nX: y\u00e9"}, `safetrip; fwd=miss; detail="a\"b\\c??X: y?"`},
		{facts{why: fwdMiss, step: "1st"}, `safetrip; fwd=miss; detail="1st"`},
	} {
		if got := row.f.String(); got != row.want {
			t.Errorf("%+v is %q, want %q", row.f, got, row.want)
		}
	}
}

func FuzzEntityTags(f *testing.F) {
	f.Add(`"a", W/"b"`, `"b"`)
	f.Add(`"a`, `"a"`)
	f.Add(`*`, ``)
	f.Fuzz(func(t *testing.T, list, etag string) {
		got := matches([]string{list}, etag)
		if got && !strings.Contains(list, "*") && !strings.Contains(list, strings.TrimPrefix(etag, "W/")) {
			t.Errorf("%q matches %q", list, etag)
		}
	})
}
