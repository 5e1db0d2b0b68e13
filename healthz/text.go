package healthz

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// serveText answers as Kubernetes' own components do: "ok", or with ?verbose
// and for failures a line for each check. Nobody who reads the status code
// alone, as the kubelet does, needs to read on.
func (m *Monitor) serveText(w http.ResponseWriter, r *http.Request, q question, detail, verbose bool) {
	a := m.ask(q, time.Now())
	body := "ok"
	if verbose || a.status >= Critical {
		body = a.text(q, detail)
	}
	plain(w, r, code(a.status), body)
}

// text returns the lines. The reason for a failure is withheld without detail.
func (a *answer) text(q question, detail bool) string {
	var b strings.Builder
	for _, l := range a.lines {
		name := l.entry.check.Name
		switch {
		case l.excluded:
			fmt.Fprintf(&b, "[+]%s excluded: ok\n", name)
		case l.pending:
			fmt.Fprintf(&b, "[ ]%s pending\n", name)
		case l.failed && detail:
			fmt.Fprintf(&b, "[-]%s failed: %s%s\n", name, l.entry.say(l.verdict), mark(l.status))
		case l.failed:
			fmt.Fprintf(&b, "[-]%s failed: reason withheld%s\n", name, mark(l.status))
		case detail && l.result.Unit != "":
			fmt.Fprintf(&b, "[+]%s ok: %s%s\n", name, l.entry.say(l.verdict), mark(l.status))
		default:
			fmt.Fprintf(&b, "[+]%s ok%s\n", name, mark(l.status))
		}
	}
	if lost := a.unmatched(q.exclude); len(lost) > 0 {
		fmt.Fprintf(&b, "warn: some health checks cannot be excluded: no matches for %q\n", lost)
	}
	if a.reason != "" {
		b.WriteString(a.reason + "\n")
	}
	if a.status >= Critical {
		b.WriteString(q.probe.name + " check failed\n")
	} else {
		b.WriteString(q.probe.name + " check passed\n")
	}
	return b.String()
}

// mark tells a warning, which by the sign alone would be taken for what it is
// not.
func mark(s Status) string {
	if s == Warning {
		return " (warning)"
	}
	return ""
}

// unmatched returns the names that were to be excluded and are not there.
func (a *answer) unmatched(exclude []string) []string {
	var lost []string
	for _, name := range exclude {
		if !slices.ContainsFunc(a.lines, func(l line) bool { return l.entry.check.Name == name }) {
			lost = append(lost, short(name))
		}
	}
	return lost
}
