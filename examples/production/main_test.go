package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestTenOperationsAndTheReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	table, report, _ := strings.Cut(out.String(), "\n\n")
	rows := strings.Split(strings.TrimSpace(table), "\n")[1:]
	wanted := []string{ // all but how long it took
		"database|load user|ok|1|full|closed",
		"database|load orders|ok|3|full|closed",
		"database|save order|ok|1|full|closed",
		"database|monthly report|ok, by a fallback|1|degraded|closed",
		"database|load coupon|data, medium|1|full|closed",
		"search|find products|ok, by a fallback|3|degraded|closed",
		"search|find products|ok, by a fallback|3|degraded|open",
		"search|find products|circuit_open, medium|1|degraded|open",
		"files|read template|data, medium|1|full|closed",
		"files|read settings|validation, low|1|full|closed",
	}
	if len(rows) != len(wanted) {
		t.Fatalf("%d operations, want %d:\n%s", len(rows), len(wanted), table)
	}
	for i, row := range rows {
		cells := regexp.MustCompile(` {2,}`).Split(strings.TrimSpace(row), -1)
		if got := strings.Join(cells[:len(cells)-1], "|"); got != wanted[i] {
			t.Errorf("operation %d\n got %s\nwant %s", i+1, got, wanted[i])
		}
	}
	for _, want := range []string{
		"503\n",
		"[-]error_rate failed: 25 % (threshold 25 %)",
		"[+]open_circuits ok: 1 circuit (threshold 1 circuit) (warning)",
		"[-]service_availability failed: 66.7 % (threshold 80 %)",
		"[+]service_level ok: degraded (threshold degraded) (warning)",
		"healthz check failed",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report has no %q:\n%s", want, report)
		}
	}
}
