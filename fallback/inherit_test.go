package fallback_test

import (
	"net/http"
	"testing"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

func TestALadderGoesOnWhereAnotherIs(t *testing.T) {
	down := transport.Func(func(req *http.Request) (*http.Response, error) { return response(req, 503, "", ""), nil })
	call := func(rt http.RoundTripper) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	old := &fallback.Ladder{Name: "x", Steps: []fallback.Step{answering("first")}}
	call(old.Wrap(down))

	heir := &fallback.Ladder{Name: "x", Steps: []fallback.Step{answering("second")}}
	heir.Inherit(old)
	if s := heir.States(); len(s) != 1 || s[0].Level != transport.Degraded {
		t.Errorf("the levels are %+v; want a.test degraded, as it was", s)
	}
	call(heir.Wrap(down))
	if a := heir.Answers(); a["first"] != 1 || a["second"] != 1 {
		t.Errorf("the answers are %v; want those of before and of now", a)
	}
	if a := new(fallback.Ladder).Answers(); len(a) != 0 {
		t.Errorf("a ladder that nobody used has answers: %v", a)
	}
}
