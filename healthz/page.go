package healthz

import (
	"bytes"
	"cmp"
	"crypto/rand"
	_ "embed" // for page.html
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

//go:embed page.html
var pageText string

// pageTemplate is parsed when the first page is asked for.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{"ago": ago, "grouped": grouped, "mebibytes": mebibytes}).Parse(pageText))
})

// parts are the templates that the live page replaces, each by its id.
var parts = []string{"status", "meta", "alerts", "checks", "traffic", "circuits", "ladders", "answers", "errors"}

// A view is what the page shows. It is one Report, and what is drawn.
type view struct {
	Report
	Nonce   string
	Title   string
	Summary string // one sentence
	Detail  bool
	Live    bool
	Rows    []row
	Success chart
	Latency chart
	Circuit []circuitRow
	Shares  []share
	Probe   string
}

// A row is a check.
type row struct {
	CheckReport
	Word  string                 // healthy, warning, critical or pending
	Runs  [Critical + 1]stripBar // by status
	Label string                 // of the strip, for a screen reader
}

type circuitRow struct {
	transport.Circuit
	Left   string
	Budget string // retries that are left
}

// newView gathers all that the page shows. Without detail there is little.
func (m *Monitor) newView(q question, detail bool) *view {
	v := &view{Detail: detail, Probe: q.probe.name, Live: m.running.Load() != nil}
	if !detail {
		s := m.summary(q)
		v.Status, v.Reason, v.Time = s.Status, s.Reason, time.Now()
		for _, c := range s.Checks {
			v.Rows = append(v.Rows, newRow(CheckReport{Name: c.Name, Status: c.Status, Health: c.Health}))
		}
		v.Agent = "Health"
		v.sum()
		return v
	}
	v.Report = m.report(q)
	entries := *m.entries.Load()
	for _, c := range v.Checks {
		r := newRow(c)
		if e := find(entries, c.Name); e != nil {
			r.strip(e.history.list())
		}
		v.Rows = append(v.Rows, r)
	}
	retries := make(map[string]string)
	for _, b := range v.Budgets {
		retries[b.Key] = strconv.Itoa(b.Left)
	}
	for _, c := range v.Circuits {
		v.Circuit = append(v.Circuit, circuitRow{c, left(c), cmp.Or(retries[c.Key], "–")})
	}
	samples := m.samples.all()
	v.Success, v.Latency = successChart(samples, v.Time), latencyChart(samples, v.Time)
	v.Shares = shares(v.Answers)
	v.sum()
	return v
}

// sum puts the whole into a title and a sentence.
func (v *view) sum() {
	v.Title = v.Status.String() + " – " + v.Agent
	var bad [Critical + 1][]string
	for _, r := range v.Rows {
		if r.Word != pending {
			bad[r.Health] = append(bad[r.Health], r.Name)
		}
	}
	switch {
	case v.Reason != "":
		v.Summary = strings.ToUpper(v.Reason[:1]) + v.Reason[1:]
	case len(v.Rows) == 0:
		v.Summary = "No checks"
	case len(bad[Warning])+len(bad[Critical]) == 0:
		v.Summary = fmt.Sprintf("All of %d checks are well", len(v.Rows))
	default:
		v.Summary = strings.TrimSuffix(named(Critical, bad[Critical])+named(Warning, bad[Warning]), " · ")
	}
}

// named lists the checks with a status, and at most four of them by name.
func named(s Status, names []string) string {
	const most = 4
	n := len(names)
	switch {
	case n == 0:
		return ""
	case n > most:
		names = append(slices.Clone(names[:most]), "…")
	}
	return fmt.Sprintf("%d %s: %s · ", n, s, strings.Join(names, ", "))
}

func newRow(c CheckReport) row {
	r := row{CheckReport: c, Word: c.Health.String()}
	if c.Status == pending {
		r.Word = pending
	}
	return r
}

// A stripBar is all runs of one status, as one path.
type stripBar struct {
	Class, Path string
}

// strip draws the last runs, the latest at the right, and the higher the
// worse.
func (r *row) strip(runs []Status) {
	var n [Critical + 1]int
	var paths [Critical + 1]strings.Builder
	for i, s := range runs {
		n[s]++
		height := [...]int{Healthy: 6, Warning: 11, Critical: 16}[s]
		fmt.Fprintf(&paths[s], "M%d 16v-%dh3v%dz", 4*(historyLen-len(runs)+i), height, height)
	}
	for s := range r.Runs {
		r.Runs[s] = stripBar{Status(s).String(), paths[s].String()}
	}
	r.Label = fmt.Sprintf("Last %d runs: %d healthy, %d warning, %d critical", len(runs), n[Healthy], n[Warning], n[Critical])
}

// left says how long an open circuit stays so.
func left(c transport.Circuit) string {
	switch {
	case c.State != transport.Open:
		return ""
	case c.Left > 10*365*24*time.Hour:
		return "held open"
	case c.Left <= 0:
		return "next call is a probe"
	}
	return spell(c.Left.Round(time.Second)+time.Second) + " left"
}

// ago says how long before now something was.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := max(0, now.Sub(t))
	switch {
	case d < 2*time.Second:
		return "just now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s ago", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min ago", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h ago", d.Hours())
	}
	return fmt.Sprintf("%.0f days ago", d.Hours()/24)
}

// These write numbers for people; they are for the template.

func (v *view) Up() string { return spell(time.Duration(v.Uptime) * time.Second) }

func (v *view) Secs(s float64) string { return seconds(s) }

func (v *view) Percent(p float64) string { return amount(p, "%") }

// grouped writes a count in groups of three.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// mebibytes writes a size.
func mebibytes(n int64) string { return amount(float64(n)/(1<<20), "MiB") }

// servePage answers with the page for people. Nothing in it is fetched from
// anywhere, and nothing but its own style and script may run: both carry a
// nonce that is another one each time.
func (m *Monitor) servePage(w http.ResponseWriter, r *http.Request, q question, detail bool) {
	v := m.newView(q, detail)
	v.Nonce = rand.Text()
	var b bytes.Buffer
	if err := pageTemplate().ExecuteTemplate(&b, "page", v); err != nil {
		plain(w, r, http.StatusInternalServerError, "the page cannot be written\n")
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+v.Nonce+"'; script-src 'nonce-"+v.Nonce+"'; "+
		"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	write(w, r, "text/html; charset=utf-8", code(v.Status), b.Bytes())
}
