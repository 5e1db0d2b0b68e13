package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestTheStoryAsItsAlertsTellIt(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	chapters := strings.Split(strings.TrimSpace(out.String()), "\n\n")
	for i, alerts := range [][]string{
		nil,
		{"queue_length went from healthy to warning: 70 jobs (threshold 50 jobs)"},
		{"queue_length went from warning to critical: 150 jobs (threshold 100 jobs)"},
		{"queue_length went from critical to healthy: 3 jobs"},
		{
			"consecutive_failures went from healthy to critical: 5 failures", "open_circuits went from healthy to warning: 1 circuit",
			"error_rate went from healthy to critical: 33.3 %", "service_level went from healthy to critical: offline",
			"service_availability went from healthy to critical: 0 %",
		},
		{"open_circuits went from warning to healthy", "service_level went from critical to healthy"},
	} {
		if n := strings.Count(chapters[i], "alert:"); i < 4 && n != len(alerts) {
			t.Errorf("chapter %d has %d alerts, want %d:\n%s", i+1, n, len(alerts), chapters[i])
		}
		for _, want := range alerts {
			if !strings.Contains(chapters[i], want) {
				t.Errorf("chapter %d has no %q:\n%s", i+1, want, chapters[i])
			}
		}
	}
	report := chapters[len(chapters)-1]
	for _, want := range []string{
		"5 of them failed", "network_medium:5", `503 application/json         {"agent_name":"monitored"`,
		`503 application/health+json  {"status":"fail"`, "503 text/plain               [-]error_rate failed", "503 text/html                <!doctype html>",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report has no %q:\n%s", want, report)
		}
	}
}
