package transport

import (
	"maps"
	"slices"
	"testing"
)

func TestVerdictWords(t *testing.T) {
	for _, test := range []struct {
		want string
		got  interface{ String() string }
	}{
		{"success", Success}, {"failure", Failed}, {"neutral", Neutral}, {"unknown", Neutral + 1},
		{"ok", OK}, {"validation", Validation}, {"network", Network}, {"timeout", TimedOut}, {"data", Data}, {"system", System},
		{"business_logic", BusinessLogic}, {"rate_limit", RateLimit}, {"auth", Auth}, {"canceled", Canceled}, {"circuit_open", CircuitOpen},
		{"unknown", CircuitOpen + 1},
		{"low", Low}, {"medium", Medium}, {"high", High}, {"critical", Critical}, {"unknown", Critical + 1},
		{"maybe", Maybe}, {"unsent", Unsent}, {"answered", Answered}, {"unknown", Answered + 1},
		{"none", NoAdvice}, {"yes", RetryYes}, {"no", RetryNo}, {"unknown", RetryNo + 1},
		{"closed", Closed}, {"open", Open}, {"half-open", HalfOpen}, {"unknown", HalfOpen + 1},
		{"full", Full}, {"degraded", Degraded}, {"offline", Offline}, {"unknown", Offline + 1},
	} {
		if got := test.got.String(); got != test.want {
			t.Errorf("%T: got %q, want %q", test.got, got, test.want)
		}
		if m, ok := test.got.(interface{ MarshalText() ([]byte, error) }); ok {
			if got, err := m.MarshalText(); string(got) != test.want || err != nil {
				t.Errorf("%T: marshals to %q (%v), want %q", test.got, got, err, test.want)
			}
		}
	}
	if first := slices.Sorted(maps.Keys(map[Category]bool{OK: true, Validation: true}))[0]; first != OK {
		t.Error("the zero Category is not OK")
	}
}
