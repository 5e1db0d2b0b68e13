package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/safetrip-go/safetrip/healthz"
)

func TestTheStoryAsItsAlertsTellIt(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), "", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	chapters := strings.Split(strings.TrimSpace(out.String()), "\n\n")
	report := chapters[len(chapters)-1]
	for i, want := range [][]string{ // of one chapter in any order
		nil,
		{"queue_length went from healthy to warning: 70 jobs (threshold 50 jobs)"},
		{"queue_length went from warning to critical: 150 jobs (threshold 100 jobs)"},
		{"queue_length went from critical to healthy: 3 jobs"},
		{
			"consecutive_failures went from healthy to critical: 5 failures (threshold 5 failures)",
			"error_rate went from healthy to critical: 33.3 % (threshold 25 %)",
			"open_circuits went from healthy to warning: 1 circuit (threshold 1 circuit)",
			"service_availability went from healthy to critical: 0 % (threshold 80 %)",
			"service_level went from healthy to critical: offline (threshold offline)",
		},
		{
			"consecutive_failures went from critical to healthy: 0 failures",
			"open_circuits went from warning to healthy: 0 circuits",
			"service_availability went from critical to healthy: 100 %",
			"service_level went from critical to healthy: full",
		},
	} {
		if got := alertsOf(chapters[i]); !slices.Equal(got, want) {
			t.Errorf("chapter %d has the alerts\n%q, want\n%q", i+1, got, want)
		}
	}
	for _, want := range []string{
		"report: critical; ", "5 of them failed, 12 alerts",
		"business_logic_medium:1 ", "data_medium:1 ", "network_medium:2 ", "timeout_medium:1]",
		`503 application/json         {"agent_name":"monitored"`,
		`503 application/health+json  {"status":"fail"`,
		"503 text/plain               [-]error_rate failed",
		"503 text/html                <!doctype html>",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report has no %q:\n%s", want, report)
		}
	}
}

func alertsOf(chapter string) (all []string) {
	for line := range strings.Lines(chapter) {
		if _, alert, found := strings.Cut(line, "alert: "); found {
			all = append(all, strings.TrimSpace(alert))
		}
	}
	slices.Sort(all)
	return all
}

func TestServeKeepsThePageUpUntilAnInterrupt(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, "127.0.0.1:0", in)
		in.Close()
	}()
	var url string
	lines := bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		url = regexp.MustCompile(`^http://\S+`).FindString(lines.Text())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), `"overall_status":"critical"`) {
		t.Errorf("%s said %q, %v", url, body, err)
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestAnInterruptEndsTheStory(t *testing.T) {
	t.Parallel()
	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(t.Context())
	interrupt(interrupted)
	if err := run(ctx, "", io.Discard); !errors.Is(err, interrupted) {
		t.Errorf("it ended with %v", err)
	}
}

func TestAnAlertThatNobodyReadsHoldsNothingUp(t *testing.T) {
	t.Parallel()
	sink := config(new(queue), make(chan healthz.Alert)).Health.Alerts.Sinks[0]
	over, cancel := context.WithCancel(t.Context())
	cancel()
	sink(over, healthz.Alert{})
}
