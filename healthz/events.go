package healthz

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

const (
	// maxViewers is how many live pages are served at once.
	maxViewers = 32

	// refresh is how often a live page is sent what changed.
	refresh = 2 * time.Second

	// patience is how long one event may take to be written: a viewer whose
	// connection takes nothing more is not kept.
	patience = 10 * time.Second
)

// serveEvents feeds a live page over Server-Sent Events: every two seconds the
// parts that changed. It ends with its client and with Run; a server's
// Shutdown, which waits for handlers, need not wait for viewers once Run has
// ended.
func (m *Monitor) serveEvents(w http.ResponseWriter, r *http.Request, q question, detail bool) {
	if m.viewers.Add(1) > maxViewers {
		m.viewers.Add(-1)
		w.Header().Set("Retry-After", "30")
		plain(w, r, http.StatusServiceUnavailable, "too many viewers\n")
		return
	}
	defer m.viewers.Add(-1)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would keep the events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	over := make(<-chan struct{})
	run := m.running.Load()
	if run != nil {
		over = run.over
	}
	s := stream{control: http.NewResponseController(w), w: w, sent: make(map[string]string)}
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for s.send(m.newView(q, detail)) == nil && run != nil {
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-over:
			run = nil // one event more, which says so
		}
	}
}

// A stream is one viewer's.
type stream struct {
	control *http.ResponseController
	w       http.ResponseWriter
	sent    map[string]string // by part, what the viewer has
}

// An event is what a viewer is sent, as JSON.
type event struct {
	Title string            `json:"title"`
	State Status            `json:"state"`
	Parts map[string]string `json:"parts"` // HTML by the id of the element whose content it is
}

func (s *stream) send(v *view) error {
	u := event{Title: v.Title, State: v.Status, Parts: make(map[string]string)}
	for _, name := range parts {
		var b bytes.Buffer
		if err := pageTemplate().ExecuteTemplate(&b, name, v); err != nil {
			return err
		}
		if html := b.String(); html != s.sent[name] {
			s.sent[name], u.Parts[name] = html, html
		}
	}
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	// Not every ResponseWriter has deadlines. Those of net/http have, and
	// there this also lifts the server's WriteTimeout.
	_ = s.control.SetWriteDeadline(time.Now().Add(patience))
	if _, err := s.w.Write([]byte("event: update\ndata: " + string(data) + "\n\n")); err != nil {
		return err
	}
	return s.control.Flush()
}
