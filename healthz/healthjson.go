package healthz

import (
	"net/http"
	"time"
)

// serveHealth answers with application/health+json, as
// draft-inadarei-api-health-check-06 has it: its status words, and an object
// of checks in which each has a list with one element.
func (m *Monitor) serveHealth(w http.ResponseWriter, r *http.Request, q question, detail bool) {
	a := m.ask(q, time.Now())
	h := draft{Status: draftStatus(a.status), Output: a.reason, Checks: make(map[string][]draftCheck, len(a.lines))}
	if detail {
		h.Description = "health of " + m.set.name
	}
	for _, l := range a.lines {
		if !l.excluded {
			h.Checks[l.entry.check.Name] = []draftCheck{l.draft(detail)}
		}
	}
	writeJSON(w, r, "application/health+json", a.status, h, pretty(r))
}

type draft struct {
	Status      string                  `json:"status"`
	Output      string                  `json:"output,omitempty"`
	Description string                  `json:"description,omitempty"`
	Checks      map[string][]draftCheck `json:"checks"`
}

type draftCheck struct {
	Type   string    `json:"componentType,omitempty"`
	Value  *float64  `json:"observedValue,omitempty"`
	Unit   string    `json:"observedUnit,omitempty"`
	Status string    `json:"status,omitempty"` // none before the first run ended
	Time   time.Time `json:"time,omitzero"`
	Output string    `json:"output,omitempty"` // the draft leaves it out for a pass
}

func (l *line) draft(detail bool) draftCheck {
	c := draftCheck{}
	if !l.pending {
		c.Status = draftStatus(l.status)
	}
	if !detail {
		return c
	}
	c.Type, c.Time = "component", l.at
	if l.entry.check.system {
		c.Type = "system"
	}
	if l.result.Unit != "" && l.result.Err == nil && !l.pending {
		c.Value, c.Unit = &l.result.Value, scrub(l.result.Unit)
		if c.Unit == "%" {
			c.Unit = "percent"
		}
	}
	if l.status > Healthy {
		c.Output = l.entry.say(l.verdict)
	}
	return c
}

// draftStatus returns the draft's word.
func draftStatus(s Status) string {
	switch s {
	case Healthy:
		return "pass"
	case Warning:
		return "warn"
	default:
		return "fail"
	}
}
