package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheStory(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	rest := out.String()
	for _, want := range []string{
		"max_attempts: 2", "→ ok\n  a call makes 2 attempts, and ends with 503",
		"max_atempts: 6", "retry.max_atempts: unknown key, want one of base_delay", "a call makes 2 attempts",
		"share: 0.9", "→ ok\n  a call makes 4 attempts, and ends with 200",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("there is no %q where it should be:\n%s", want, out.String())
		}
		rest = after
	}
}

func TestTheEnvironmentWins(t *testing.T) {
	t.Setenv("CONFIGURED_RETRY_MAX_ATTEMPTS", "7")
	cfg, err := load([]byte("retry: {max_attempts: 2, max_delay: 5s}"))
	if err != nil || cfg.Retry.MaxAttempts != 7 || cfg.Retry.MaxDelay != 5*time.Second {
		t.Errorf("retry is %+v, error %v", cfg.Retry, err)
	}
}

func TestAFileIsReadAndAFaultEndsTheProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.yaml")
	for document, want := range map[string]string{
		"retry: [": "yaml", "retries: {}": "retries: unknown key", "retry: {max_delay: 5}": "a duration",
	} {
		if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		err := run(t.Context(), []string{"-config", path}, new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v", document, err)
		}
	}
	if err := os.WriteFile(path, []byte("retry: {max_attempts: 5}"), 0o600); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(over, []string{"-config", path}, new(bytes.Buffer)); err != nil {
		t.Errorf("a file without a fault: %v", err)
	}
}
