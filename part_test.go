package safetrip

import (
	"strings"
	"testing"
)

func TestPartsAreText(t *testing.T) {
	for _, tt := range []struct {
		text string
		part Part
	}{
		{"", 0},
		{"telemetry", Telemetry},
		{"telemetry,health", Telemetry | Health},
		{"telemetry,fallback,recording,retry,breaker,timeout,health", 1<<len(partNames) - 1},
	} {
		var p Part
		if err := p.UnmarshalText([]byte(tt.text)); err != nil || p != tt.part {
			t.Errorf("%q is %v, error %v", tt.text, p, err)
		}
		if got, err := tt.part.MarshalText(); err != nil || string(got) != tt.text {
			t.Errorf("%d is %q, error %v; want %q", uint(tt.part), got, err, tt.text)
		}
	}
	p := Retry
	if err := p.UnmarshalText([]byte("retries")); err == nil || !strings.Contains(err.Error(), "telemetry, fallback") || p != Retry {
		t.Errorf("an unknown part: %v, error %v", p, err)
	}
	if s := Part(1 << 20).String(); s != "Part(0x100000)" {
		t.Errorf("a part that there is not prints %s", s)
	}
}
