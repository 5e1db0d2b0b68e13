package healthz

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// mixed is a running Monitor with checks of every kind, for a bubble.
func mixed(t *testing.T, detail bool) *Monitor {
	t.Helper()
	ready := Func("db", func(context.Context) error { return nil })
	ready.Ready = true
	live := Func("loop", func(context.Context) error { return nil })
	live.Live = true
	warns := Func("mail", func(context.Context) error { return errors.New("no") })
	warns.WarnOnly = true
	m := &Monitor{
		Name: "billing", Thresholds: quiet,
		Checks: []Check{ready, live, warns, {Name: "lag", Run: func(context.Context) Result {
			return Result{Status: Warning, Value: 12, Threshold: 10, Unit: "messages"}
		}}},
		Detail: func(*http.Request) bool { return detail },
	}
	settled(t, m)
	return m
}

func TestTextIsShapedAsKubernetesOwn(t *testing.T) {
	for _, test := range []struct {
		asks   string
		target string
		detail bool
		breaks bool // the check db fails
		code   int
		body   string
	}{
		{"a probe that is well says ok", "/readyz", false, false, 200, "ok"},
		{"so does one check", "/healthz/db", false, false, 200, "ok"},
		{"and one check of a probe that does not count it", "/livez/db", false, false, 200, "ok"},
		{"verbose lists the checks that count", "/readyz?verbose", false, false, 200, "[+]db ok\nreadyz check passed\n"},
		{"a warning passes and says what it is", "/healthz?verbose", false, false, 200,
			"[+]db ok\n[+]loop ok\n[-]mail failed: reason withheld (warning)\n[+]lag ok (warning)\nhealthz check passed\n"},
		{"detail adds values and categories", "/healthz?verbose", true, false, 200,
			"[+]db ok\n[+]loop ok\n[-]mail failed: business_logic (warning)\n[+]lag ok: 12 messages (threshold 10 messages) (warning)\nhealthz check passed\n"},
		{"a failure lists them too", "/readyz", false, true, 503, "[-]db failed: reason withheld\nreadyz check failed\n"},
		{"with detail its category", "/readyz", true, true, 503, "[-]db failed: timeout\nreadyz check failed\n"},
		{"one check that fails", "/healthz/db", false, true, 503, "[-]db failed: reason withheld\nhealthz check failed\n"},
		{"another probe does not care", "/livez", false, true, 200, "ok"},
		{"excluded is well", "/readyz?exclude=db", false, true, 200, "ok"},
		{"and says so", "/readyz?verbose&exclude=db", false, true, 200, "[+]db excluded: ok\nreadyz check passed\n"},
		{"what cannot be excluded is named", "/readyz?verbose&exclude=x&exclude=db&exclude=y", false, false, 200,
			"[+]db excluded: ok\nwarn: some health checks cannot be excluded: no matches for [\"x\" \"y\"]\nreadyz check passed\n"},
		{"an unknown check is not found", "/healthz/nosuch", false, false, 404, ""},
	} {
		t.Run(test.asks, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := mixed(t, test.detail)
				if test.breaks {
					m.Remove("db")
					c := Func("db", func(context.Context) error { return context.DeadlineExceeded })
					c.Ready = true
					if err := m.Add(c); err != nil {
						t.Fatal(err)
					}
					entries := *m.entries.Load() // to the front again
					m.entries.Store(&[]*entry{entries[3], entries[0], entries[1], entries[2]})
					synctest.Wait()
				}
				w := get(m, test.target, "Accept", "*/*", "User-Agent", "kube-probe/1.34")
				body := w.Body.String()
				if strings.HasPrefix(test.target, "/healthz?") || test.code == 404 {
					w = get(m, test.target, "Accept", "text/plain")
					body = w.Body.String()
				}
				if w.Code != test.code || test.body != "" && body != test.body {
					t.Errorf("%d\n%s\nwant %d\n%s", w.Code, body, test.code, test.body)
				}
			})
		})
	}
}

// The kubelet's rule: 200 to 399 is well, whatever the body; redirects to the
// same host are followed, of which there must be none.
func TestTheKubeletIsAnsweredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mixed(t, false)
		for _, path := range []string{"/healthz", "/healthz/", "/livez", "/readyz", "/readyz/db"} {
			w := get(m, path, "Accept", "*/*", "User-Agent", "kube-probe/1.34")
			if w.Code != 200 || w.Body.Len() > 10<<10 {
				t.Errorf("%s: %d, %d bytes", path, w.Code, w.Body.Len())
			}
		}
	})
}

func TestMounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mixed(t, false)
		mux := func(pattern string, h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle(pattern, h)
			return mux
		}
		for _, test := range []struct {
			where   string
			handler http.Handler
			path    string
			want    string // the probe, and the check behind a slash; "" if not found
		}{
			{"directly at /healthz", mux("/healthz", m), "/healthz", "healthz"},
			{"at /livez", mux("/livez", m), "/livez", "livez"},
			{"at /readyz by method", mux("GET /readyz", m), "/readyz", "readyz"},
			{"with a subtree", mux("/healthz/", m), "/healthz/db", "healthz/db"},
			{"with a subtree, itself", mux("/healthz/", m), "/healthz/", "healthz"},
			{"with a subtree, unknown", mux("/healthz/", m), "/healthz/nosuch", ""},
			{"under any other name", mux("/status", m), "/status", "healthz"},
			{"under a check's name", mux("/db", m), "/db", "healthz"},
			{"beneath a probe's name", mux("/healthz/billing", m), "/healthz/billing", "healthz"},
			{"beneath a probe's name, with a subtree", mux("/readyz/ops/", m), "/readyz/ops/", "healthz"},
			{"beneath a probe's name, for one check", mux("/readyz/db", m), "/readyz/db", "readyz/db"},
			{"under a host and a prefix", mux("example.com/ops/health", m), "/ops/health", "healthz"},
			{"under a prefix, a probe", mux("/ops/", m), "/ops/livez", "livez"},
			{"under a prefix, a probe's check", mux("/ops/", m), "/ops/readyz/db", "readyz/db"},
			{"under a prefix, itself", mux("/ops/", m), "/ops/", "healthz"},
			{"under a prefix, a check", mux("/ops/", m), "/ops/db", "healthz/db"},
			{"under a prefix, unknown", mux("/ops/", m), "/ops/nosuch", ""},
			{"with a wildcard", mux("/{tenant}/healthz", m), "/a/healthz", "healthz"},
			{"with a wildcard at the end", mux("/ops/{rest...}", m), "/ops/readyz", "readyz"},
			{"with a wildcard, and another name", mux("/{tenant}/up", m), "/a/up", "healthz"},
			{"with a wildcard for the check", mux("/ops/{check}", m), "/ops/db", "healthz/db"},
			{"with a wildcard for the check, unknown", mux("/ops/{check}", m), "/ops/nosuch", ""},
			{"with a wildcard for the probe", mux("/ops/{probe}", m), "/ops/livez", "livez"},
			{"at an exact root", mux("/{$}", m), "/", "healthz"},
			{"at an exact path", mux("/ops/{$}", m), "/ops/", "healthz"},
			{"with StripPrefix", mux("/ops/", http.StripPrefix("/ops", m)), "/ops/livez", "livez"},
			{"with StripPrefix, itself", mux("/ops/", http.StripPrefix("/ops", m)), "/ops/", "healthz"},
			{"with StripPrefix, a check", mux("/ops/", http.StripPrefix("/ops", m)), "/ops/db", "healthz/db"},
			{"with StripPrefix, unknown", mux("/ops/", http.StripPrefix("/ops", m)), "/ops/nosuch", ""},
			{"with StripPrefix, all of it", mux("/status", http.StripPrefix("/status", m)), "/status", "healthz"},
			{"alone", m, "/", "healthz"},
			{"alone, a probe", m, "/readyz", "readyz"},
			{"alone, unknown", m, "/favicon.ico", ""},
			{"alone, too deep", m, "/healthz/db/x", ""},
		} {
			w := get(test.handler, test.path+"?verbose", "Accept", "text/plain")
			got := ""
			if w.Code != 404 {
				lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n")
				got, _, _ = strings.Cut(lines[len(lines)-1], " ")
				if len(lines) == 2 && strings.Contains(test.want, "/") {
					got += "/" + strings.TrimSuffix(strings.TrimPrefix(lines[0], "[+]"), " ok")
				}
			}
			if got != test.want {
				t.Errorf("%s, %s asks %q, want %q", test.where, test.path, got, test.want)
			}
		}
	})
}

func TestMethodsAndHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mixed(t, true)
		for _, accept := range []string{"application/json", "application/health+json", "text/plain", "text/html"} {
			w := get(m, "/healthz", "Accept", accept)
			h := w.Header()
			if !strings.HasPrefix(h.Get("Content-Type"), accept) || h.Get("Cache-Control") != "no-store" ||
				h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Vary") != "Accept" {
				t.Errorf("%s: %v", accept, h)
			}
			r := httptest.NewRequest(http.MethodHead, "/healthz", nil)
			r.Header.Set("Accept", accept)
			head := httptest.NewRecorder()
			m.ServeHTTP(head, r)
			if head.Code != w.Code || head.Body.Len() != 0 || head.Header().Get("Content-Type") != h.Get("Content-Type") || head.Header().Get("Content-Length") == "" {
				t.Errorf("HEAD %s: %d, %d bytes, %v", accept, head.Code, head.Body.Len(), head.Header())
			}
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get"} {
			w := httptest.NewRecorder()
			m.ServeHTTP(w, httptest.NewRequest(method, "/healthz", nil))
			if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
			}
		}
		for name, want := range map[string]string{"json": "application/json", "text": "text/plain; charset=utf-8", "health": "application/health+json", "html": "text/html; charset=utf-8", "nosuch": "application/json"} {
			if got := get(m, "/healthz?format="+name).Header().Get("Content-Type"); got != want {
				t.Errorf("?format=%s: %s", name, got)
			}
		}
	})
}

func TestWithoutDetailThereAreNamesAndStatusesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mixed(t, false)
		want := `{"overall_status":"warning","checks":[{"check_name":"db","status":"passed","health":"healthy"},` +
			`{"check_name":"loop","status":"passed","health":"healthy"},{"check_name":"mail","status":"failed","health":"warning"},` +
			`{"check_name":"lag","status":"passed","health":"warning"}]}`
		var got any
		if err := json.Unmarshal(get(m, "/healthz").Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		compact, _ := json.Marshal(got)
		var w any
		_ = json.Unmarshal([]byte(want), &w)
		wanted, _ := json.Marshal(w)
		if string(compact) != string(wanted) {
			t.Errorf("%s", compact)
		}
		for _, accept := range []string{"application/health+json", "text/plain", "text/html"} {
			if body := get(m, "/healthz?verbose", "Accept", accept).Body.String(); strings.Contains(body, "messages") || strings.Contains(body, "business_logic") || strings.Contains(body, "billing") {
				t.Errorf("%s:\n%s", accept, body)
			}
		}
	})
}

// The fields of draft-inadarei-api-health-check-06, sections 3 and 4.
func TestTheDraftsFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mixed(t, true)
		w := get(m, "/healthz", "Accept", "application/health+json")
		var got struct {
			Status string
			Checks map[string][]struct {
				ComponentType string
				ObservedValue *float64
				ObservedUnit  string
				Status        string
				Time          time.Time
				Output        *string
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		lag, db := got.Checks["lag"][0], got.Checks["db"][0]
		if w.Code != 200 || got.Status != "warn" || lag.Status != "warn" || *lag.ObservedValue != 12 || lag.ObservedUnit != "messages" || lag.Time.IsZero() || lag.Output == nil {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if db.Status != "pass" || db.Output != nil || db.ComponentType != "component" || db.ObservedValue != nil {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func FuzzQuestion(f *testing.F) {
	for _, s := range []string{"/", "", "/healthz", "/livez/db", "//readyz//", "/ops/{rest...}", "/%2e%2e/healthz", "/healthz/db/x"} {
		f.Add(s, "/healthz", "verbose&exclude=db")
		f.Add(s, "GET host/ops/{rest...}", "format=text&exclude=%zz")
		f.Add(s, "{", "exclude=\x00")
	}
	m := &Monitor{Thresholds: quiet, Checks: []Check{Func("db", func(context.Context) error { return nil })}}
	m.freeze()
	f.Fuzz(func(t *testing.T, path, pattern, query string) {
		q, ok := m.question(path, pattern)
		if q.probe == nil && ok || q.only != "" && ok && q.only != "db" {
			t.Errorf("%q at %q asks %+v", path, pattern, q)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.Pattern, r.URL.RawQuery = path, pattern, query
		for _, accept := range []string{"text/plain", "application/json"} {
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			m.ServeHTTP(w, r)
			if w.Code != 503 && w.Code != 404 {
				t.Errorf("%q?%q at %q: %d", path, query, pattern, w.Code)
			}
		}
	})
}
