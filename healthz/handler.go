package healthz

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP answers probes and people. It runs no check. The status code is 200
// for healthy and warning, and 503 for critical.
//
// Which probe is asked, the path's end says: /livez, /readyz, and /healthz or
// whatever path the Monitor is mounted at; a check's name behind it asks for
// that check alone. Of what stands before, the Monitor needs to know nothing:
// it may be mounted anywhere, with or without [http.StripPrefix]. The query
// parameters are those of Kubernetes, verbose and exclude (a check's name, more
// than once if need be), and for people format (json, health, text, html), and
// pretty, which indents JSON.
func (m *Monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.freeze()
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		plain(w, r, http.StatusMethodNotAllowed, "method not allowed\n")
		return
	}
	h.Set("Vary", "Accept")
	q, ok := m.question(r.URL.Path, r.Pattern)
	if !ok {
		plain(w, r, http.StatusNotFound, "no such check, and no probe: /healthz, /livez or /readyz. "+
			"Behind a router that does not say its pattern, mount with http.StripPrefix.\n")
		return
	}
	query := r.URL.Query()
	if q.exclude = query["exclude"]; len(q.exclude) > maxExclude {
		q.exclude = q.exclude[:maxExclude]
	}
	detail := m.set.detail != nil && m.set.detail(r)
	switch m.format(q, query, r.Header.Values("Accept")) {
	case formatJSON:
		m.serveJSON(w, r, q, detail)
	case formatHealth:
		m.serveHealth(w, r, q, detail)
	case formatText:
		m.serveText(w, r, q, detail, query.Has("verbose"))
	case formatHTML:
		m.servePage(w, r, q, detail)
	case formatEvents:
		m.serveEvents(w, r, q, detail)
	}
}

// maxExclude bounds the work that a query can make.
const maxExclude = 100

// format returns the form of the answer. Who does not care gets the report as
// JSON from /healthz, and text, as Kubernetes answers, from the others.
func (m *Monitor) format(q question, query url.Values, accept []string) format {
	for f := range formats {
		if formats[f].name == query.Get("format") {
			return format(f)
		}
	}
	def := formatJSON
	if q.probe != probes[0] || q.only != "" || query.Has("verbose") {
		def = formatText
	}
	return choose(strings.Join(accept, ","), def)
}

// question reads the path. In the order in which they are tried:
//
//	.../livez             the probe
//	.../livez/db          its check db
//	the mount point       healthz
//	.../db                the check db of healthz
//
// The mount point is "/", "" or what the pattern of a ServeMux matches whole;
// a check of a probe comes second only if there is one of that name.
func (m *Monitor) question(path, pattern string) (question, bool) {
	segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	n := len(segments)
	if n == 0 {
		return question{probe: probes[0]}, true
	}
	last := segments[n-1]
	if p := probeNamed(last); p != nil {
		return question{probe: p}, true
	}
	var p *probe
	if n > 1 {
		p = probeNamed(segments[n-2])
	}
	known := find(*m.entries.Load(), last) != nil
	switch {
	case p != nil && known:
		return question{probe: p, only: last}, true
	case mounted(pattern, segments):
		return question{probe: probes[0]}, true
	}
	return question{probe: cmp.Or(p, probes[0]), only: last}, known
}

// mounted says whether a path is all that a [http.ServeMux] pattern asks for. A
// wildcard at its end does not count: what stands there is a check's name.
func mounted(pattern string, segments []string) bool {
	slash := strings.IndexByte(pattern, '/')
	if slash < 0 {
		return false
	}
	want := strings.FieldsFunc(pattern[slash:], func(r rune) bool { return r == '/' })
	want = slices.DeleteFunc(want, func(s string) bool { return s == "{$}" || strings.HasSuffix(s, "...}") })
	return slices.EqualFunc(want, segments, func(want, got string) bool {
		return want == got || strings.HasPrefix(want, "{") && strings.HasSuffix(want, "}")
	}) && want[len(want)-1] == segments[len(segments)-1]
}

// code returns the status code for a status.
func code(s Status) int {
	if s >= Critical {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func (m *Monitor) serveJSON(w http.ResponseWriter, r *http.Request, q question, detail bool) {
	if detail {
		report := m.report(q)
		writeJSON(w, r, "application/json", report.Status, report, pretty(r))
		return
	}
	s := m.summary(q)
	writeJSON(w, r, "application/json", s.Status, s, pretty(r))
}

// pretty says whether JSON is to be indented, which costs more than the rest.
func pretty(r *http.Request) bool { return r.URL.Query().Has("pretty") }

// A summary is what everybody may see.
type summary struct {
	Status Status         `json:"overall_status"`
	Reason string         `json:"reason,omitempty"`
	Checks []checkSummary `json:"checks"`
}

type checkSummary struct {
	Name   string `json:"check_name"`
	Status string `json:"status"`
	Health Status `json:"health"`
}

func (m *Monitor) summary(q question) summary {
	a := m.ask(q, time.Now())
	s := summary{Status: a.status, Reason: a.reason, Checks: make([]checkSummary, 0, len(a.lines))}
	for _, l := range a.lines {
		if !l.excluded {
			s.Checks = append(s.Checks, checkSummary{l.entry.check.Name, l.word(), l.status})
		}
	}
	return s
}

func writeJSON(w http.ResponseWriter, r *http.Request, mediaType string, status Status, v any, pretty bool) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	if pretty {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		plain(w, r, http.StatusInternalServerError, "the report cannot be written\n")
		return
	}
	write(w, r, mediaType, code(status), b.Bytes())
}

func plain(w http.ResponseWriter, r *http.Request, code int, body string) {
	write(w, r, "text/plain; charset=utf-8", code, []byte(body))
}

// write writes a whole answer. The length is set here, since it is that of a
// GET for a HEAD too.
func write(w http.ResponseWriter, r *http.Request, mediaType string, code int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
