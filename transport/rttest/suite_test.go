package rttest

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func identity(next http.RoundTripper) http.RoundTripper { return next }

func TestIdentity(t *testing.T) {
	Test(t, identity)
}

func TestIdentityHTTP2(t *testing.T) {
	Suite{HTTP2: true}.Run(t, identity)
}

func TestIdentityMemory(t *testing.T) {
	Suite{Memory: true}.Run(t, identity)
}

func TestCheckFindsNothingInIdentity(t *testing.T) {
	if found := (Suite{Memory: true}).Check(identity); found != nil {
		t.Error(found)
	}
}

// Where a rule is left out, the wrapper that breaks it passes.
func TestOmit(t *testing.T) {
	suite := Suite{Memory: true, Omit: map[string]string{"close-idle": "the wrapper has no such method"}}
	bare := func(next http.RoundTripper) http.RoundTripper { return baseFunc(next.RoundTrip) }
	suite.Run(t, bare)
	if found := suite.Check(bare); len(found) > 0 {
		t.Error(found)
	}
}

func TestComplaints(t *testing.T) {
	for _, test := range []struct {
		what string
		omit map[string]string
		want []string
	}{
		{"nothing is left out", nil, nil},
		{"a rule with a reason", map[string]string{"close-idle": "reason"}, nil},
		{"a rule without a reason", map[string]string{"close-idle": ""}, []string{"Suite.Omit: no reason is given for close-idle"}},
		{"a name that no rule has", map[string]string{"closed-idle": "reason"}, []string{"Suite.Omit: there is no rule closed-idle"}},
	} {
		if got := (Suite{Omit: test.omit}).complaints(); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.what, got, test.want)
		}
	}
}

func TestRules(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range Rules() {
		if seen[r.Name] || r.Name == "" || r.Sentence == "" || strings.ContainsAny(r.Name, " /_") {
			t.Errorf("%+v: a rule needs a name of its own, fit for -run, and a sentence", r)
		}
		seen[r.Name] = true
	}
}

func TestDialLeadsToTheServer(t *testing.T) {
	var dials atomic.Int64
	suite := Suite{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	for _, r := range messageRules {
		suite.check(r, identity)
	}
	if dials.Load() == 0 {
		t.Error("no connection was opened with Dial")
	}
}

func TestWrapperThatReturnsNil(t *testing.T) {
	for _, v := range (Suite{Memory: true}).Check(func(http.RoundTripper) http.RoundTripper { return nil }) {
		if !strings.Contains(v.Found, "nil out of a base") {
			t.Error(v.Found)
		}
	}
}
