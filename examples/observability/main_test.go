package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestItServesMetricsUntilInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	code := make(chan int, 1)
	go func() { // until interrupted
		code <- run(ctx, []string{"-listen", "127.0.0.1:0"}, pw, io.Discard)
		pw.Close()
	}()
	said := make([]byte, 200)
	n, err := pr.Read(said)
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://\S+/metrics`).FindString(string(said[:n]))
	eventually(t, "a call is counted", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := new(http.Client).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(text), "safetrip_call_duration_seconds_count{")
	})
	interrupt()
	if c := <-code; c != 0 {
		t.Errorf("exit code %d after an interrupt", c)
	}
}

func TestWrongUseIsAnExitCode(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"-frobnicate"}, io.Discard, &errs); code != 2 || !strings.Contains(errs.String(), "not defined") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	errs.Reset()
	if code := run(t.Context(), []string{"-listen", "nowhere"}, io.Discard, &errs); code != 1 || strings.Count(errs.String(), "\n") != 1 {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}
