package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/examples/internal/readme"
)

func TestTheREADMEShowsTheStory(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), "", nil, &out); err != nil {
		t.Fatal(err)
	}
	readme.Shows(t, out.String())
}

func TestTheEnvironmentIsOverTheStory(t *testing.T) {
	t.Setenv("CONFIGURED_RETRY_MAX_ATTEMPTS", "5")
	var out bytes.Buffer
	if err := run(t.Context(), "", nil, &out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "a call makes 3 attempts, and ends with 200"); n != len(documents) {
		t.Errorf("%d of %d calls come as far as the third attempt:\n%s", n, len(documents), &out)
	}
}

func TestTheEnvironmentWins(t *testing.T) {
	t.Setenv("CONFIGURED_RETRY_MAX_ATTEMPTS", "7")
	for _, document := range []string{
		"retry: {max_attempts: 2, max_delay: 5s}",
		`{"retry": {"max_attempts": 2, "max_delay": "5s"}}`,
	} {
		cfg, err := load([]byte(document))
		if err != nil || cfg.Retry.MaxAttempts != 7 || cfg.Retry.MaxDelay != 5*time.Second {
			t.Errorf("%s: retry is %+v, error %v", document, cfg.Retry, err)
		}
		if preset := safetrip.PresetReadOnly().Deadline; cfg.Deadline != preset {
			t.Errorf("%s: what nobody names is %+v, want the preset's %+v", document, cfg.Deadline, preset)
		}
	}
}

func TestAFaultInTheFileEndsTheProgram(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel() // a file without a fault is not waited with
	for _, tt := range []struct{ what, document, want string }{
		{"no YAML", "retry: [", "yaml"},
		{"an unknown key", "retries: {}", "retries: unknown key"},
		{"a number for a duration", "retry: {max_delay: 5}", "a duration"},
		{"a key that is there twice", "retry: {}\nretry: {}", "already set"},
		{"a fault in JSON, with its line", "{\n\"retries\": {}\n}", "line 2: retries: unknown key"},
	} {
		err := run(over, write(t, tt.document), nil, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v", tt.what, err)
		}
	}
	if err := run(over, "no/such/file.yaml", nil, io.Discard); err == nil {
		t.Error("a file that is not there is no error")
	}
}

func TestASIGHUPReadsTheFileAgain(t *testing.T) {
	path := write(t, "retry: {max_attempts: 5}")
	ctx, interrupt := context.WithCancel(t.Context())
	again := make(chan os.Signal)
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, path, again, in)
		in.Close()
	}()
	says := bufio.NewScanner(out)
	if says.Scan(); !strings.HasPrefix(says.Text(), "going by "+path) {
		t.Errorf("it says %q", says.Text())
	}
	for _, tt := range []struct{ document, want string }{
		{"retry: {max_attempts: 6}", "read again: ok"},
		{"retries: {}", "retries: unknown key"},
		{"retry: {max_attempts: 7}", "read again: ok"},
	} {
		if err := os.WriteFile(path, []byte(tt.document), 0o600); err != nil {
			t.Fatal(err)
		}
		again <- syscall.SIGHUP
		if says.Scan(); !strings.Contains(says.Text(), tt.want) {
			t.Errorf("%s: it says %q", tt.document, says.Text())
		}
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestWhatIsReadAgainCountsFromThenOn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	agent, err := safetrip.New("configured", safetrip.Config{Disable: safetrip.Retry, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	if err := reread(agent, write(t, "retry: {max_attempts: 3, base_delay: 1ms}")); err != nil {
		t.Fatal(err)
	}
	if attempts, _, err := call(t.Context(), agent.Client(), server.URL); attempts != 3 || err != nil {
		t.Errorf("a call makes %d attempts, error %v; want 3", attempts, err)
	}
}

func write(t *testing.T, document string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
