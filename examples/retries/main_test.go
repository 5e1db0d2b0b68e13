package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestTheTwoPolicies(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-scale", "0.02"}, &out); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(out.String(), "\n\n")
	if len(parts) != 5 {
		t.Fatalf("it has %d parts:\n%s", len(parts), out.String())
	}
	for i, tt := range []struct {
		title string
		waits []string // before each attempt
		end   string
		logs  []string
	}{
		{"get_data, which fails twice", []string{"0s", "10ms", "20ms"}, "answered: the data", []string{"INFO msg=retrying", `INFO msg="succeeded after retry"`}},
		{"get_data, which fails each time", []string{"0s", "10ms", "20ms"}, "gave up: attempts", []string{`ERROR msg="gave up"`}},
		{"get_data, which the service cannot do", []string{"0s"}, "gave up: verdict", []string{`WARN msg="not retried" operation=get_data`}},
		{"get_critical_data, which fails four times", []string{"0s", "20ms", "40ms", "80ms", "160ms"}, "answered: the data", []string{`INFO msg="succeeded after retry" operation=get_critical_data attempt=5`}},
	} {
		part := parts[i+1]
		if !strings.HasPrefix(part, tt.title) || !strings.Contains(part, tt.end) {
			t.Errorf("it should begin with %q and end with %q:\n%s", tt.title, tt.end, part)
		}
		var waits []string
		for _, m := range regexp.MustCompile(`after a wait of (\S+)`).FindAllStringSubmatch(part, -1) {
			waits = append(waits, m[1])
		}
		if strings.Join(waits, " ") != strings.Join(tt.waits, " ") {
			t.Errorf("%s: the waits are %v, want %v", tt.title, waits, tt.waits)
		}
		for _, log := range tt.logs {
			if !strings.Contains(part, log) {
				t.Errorf("the log has no %s:\n%s", log, part)
			}
		}
	}
}

func TestAScaleOutOfItsBounds(t *testing.T) {
	t.Parallel()
	for _, scale := range []string{"0", "-1", "2", "x"} {
		if err := run(t.Context(), []string{"-scale", scale}, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "scale") {
			t.Errorf("-scale %s: the error is %v", scale, err)
		}
	}
}
