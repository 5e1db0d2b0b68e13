package healthz

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// watch opens a live page's stream.
func watch(t *testing.T, url string) (*http.Response, *bufio.Reader, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	r.Header.Set("Accept", "text/event-stream")
	resp, err := new(http.Client).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	end := func() { cancel(); _ = resp.Body.Close() }
	t.Cleanup(end)
	return resp, bufio.NewReader(resp.Body), end
}

func next(t *testing.T, r *bufio.Reader) (e event, ok bool) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return e, false
		}
		if data, found := strings.CutPrefix(line, "data: "); found {
			var raw struct {
				Title, State string
				Parts        map[string]string
			}
			if err := json.Unmarshal([]byte(data), &raw); err != nil {
				t.Fatal(err)
			}
			return event{Title: raw.Title + "|" + raw.State, Parts: raw.Parts}, true
		}
	}
}

func TestEvents(t *testing.T) {
	var broken atomic.Bool
	m := &Monitor{
		Name: "billing", Thresholds: quiet, Interval: 50 * time.Millisecond, Detail: func(*http.Request) bool { return true },
		Checks: []Check{{Name: "db", Run: func(context.Context) Result {
			if broken.Load() {
				return Result{Status: Critical}
			}
			return Result{}
		}}},
	}
	server := httptest.NewUnstartedServer(m)
	server.Config.WriteTimeout = 3 * time.Second // which a stream outlives
	server.Start()
	t.Cleanup(server.Close) // after the end of Run, which ends the streams
	stop := start(t, m)

	resp, stream, _ := watch(t, server.URL+"/healthz")
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || ct != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	first, ok := next(t, stream)
	if !ok || len(first.Parts) != len(parts) {
		t.Fatalf("the first event has %d parts of %d", len(first.Parts), len(parts))
	}
	broken.Store(true)
	seen := false
	for range 3 { // beyond the server's WriteTimeout
		e, ok := next(t, stream)
		if !ok {
			t.Fatal("the stream ended")
		}
		if _, has := e.Parts["circuits"]; has {
			t.Error("what did not change is sent again")
		}
		seen = seen || e.Title == "critical – billing|critical" && strings.Contains(e.Parts["checks"], "critical")
	}
	if !seen {
		t.Error("nobody was told that db is critical")
	}

	// Viewers are bounded; one that leaves makes room.
	var leave func()
	for range maxViewers - 1 {
		_, _, leave = watch(t, server.URL+"/healthz")
	}
	if resp, _, _ := watch(t, server.URL+"/healthz"); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one viewer too many gets %d", resp.StatusCode)
	}
	leave()
	for end := time.Now().Add(5 * time.Second); m.viewers.Load() >= maxViewers; {
		if time.Now().After(end) {
			t.Fatal("the viewer that left is still there")
		}
		<-time.After(time.Millisecond)
	}
	if resp, _, _ := watch(t, server.URL+"/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("where there is room again, a viewer gets %d", resp.StatusCode)
	}

	// The end of Run ends the streams, and says so: Shutdown need not wait.
	stop()
	var last event
	for {
		e, ok := next(t, stream)
		if !ok {
			break
		}
		last = e
	}
	if !strings.Contains(last.Parts["status"], "Not running: call Run") {
		t.Errorf("the last event says %q", last.Parts["status"])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
