package transport

import "testing"

func TestJitterIsText(t *testing.T) {
	for kind, text := range map[Jitter]string{HalfJitter: "half", FullJitter: "full", NoJitter: "none"} {
		if got, err := kind.MarshalText(); err != nil || string(got) != text {
			t.Errorf("%d is %q, error %v; want %q", kind, got, err, text)
		}
		var j Jitter
		if err := j.UnmarshalText([]byte(text)); err != nil || j != kind {
			t.Errorf("%q is %d, error %v; want %d", text, j, err, kind)
		}
	}
	j := FullJitter
	if err := j.UnmarshalText([]byte("some")); err == nil || j != FullJitter {
		t.Errorf("an unknown kind is %d, error %v", j, err)
	}
	if _, err := Jitter(3).MarshalText(); err == nil {
		t.Error("a kind that there is not has a text")
	}
}
