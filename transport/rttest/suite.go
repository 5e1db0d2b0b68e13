package rttest

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"
)

// Test runs every rule over a wrapper, each as a sub-test of its own.
// It is Suite{}.Run(t, wrap).
func Test(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) {
	t.Helper()
	Suite{}.Run(t, wrap)
}

// A Suite says how the rules are run. Its zero value runs all of them: those
// that need no connection over a base in memory, the others over an HTTP/1.1
// server on the loopback interface.
//
// Under -short the sizes and the numbers of calls are smaller; no rule is
// left out.
type Suite struct {
	// Omit leaves rules out: the key is the name of a rule, the value is the
	// reason why it does not hold for this wrapper. The reason is printed
	// where the rule would have run. A name that no rule has, and a reason
	// that is empty, fail the test. If nil, no rule is left out.
	Omit map[string]string

	// Memory runs only the rules that need no connection. They take a
	// fraction of a second, so that every pair of many wrappers can be tried.
	// If false, all rules run.
	Memory bool

	// HTTP2 makes the servers speak HTTP/2 over TLS. The rules about what
	// only HTTP/1.1 has (upgrades, malformed answers) do not run then.
	// If false, the servers speak HTTP/1.1; one rule tries HTTP/2 even so.
	HTTP2 bool

	// Dial opens the connections to the servers, so that they can be led
	// through a proxy; addr is the server's own address.
	// If nil, it is the DialContext of a zero net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	patience time.Duration // how long a call may take; if zero, it is 10 s
	short    bool          // smaller sizes, as with -short
}

// Run runs the rules over a wrapper, each as a sub-test of its own. It calls
// wrap anew for each rule, and no two calls go to the same host unless the
// rule is about that, so that what a wrapper remembers about a host does not
// leak from one rule to the next.
//
// wrap is called with bases that fail and that answer 503 again and again: a
// wrapper that waits between attempts should be built with short delays.
func (s Suite) Run(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) {
	t.Helper()
	for _, complaint := range s.complaints() {
		t.Error(complaint)
	}
	for _, r := range s.rules() {
		t.Run(r.name, func(t *testing.T) {
			if reason := s.Omit[r.name]; reason != "" {
				t.Skip(reason)
			}
			s.prove(t, r, wrap)
		})
	}
}

// Check runs the rules like Run and returns what it found, nil if nothing: for
// those who compare wrappers, and for tests of wrappers that break a rule on
// purpose.
func (s Suite) Check(wrap func(http.RoundTripper) http.RoundTripper) []Violation {
	var found []Violation
	for _, r := range s.rules() {
		if s.Omit[r.name] == "" {
			found = append(found, s.check(r, wrap)...)
		}
	}
	return found
}

// A Violation is one way in which a wrapper was seen to break a rule.
type Violation struct {
	Rule  string // the name of the rule
	Found string // what was seen
}

func (s Suite) check(r rule, wrap func(http.RoundTripper) http.RoundTripper) []Violation {
	n := new(notes)
	n.run(func() { s.prove(n, r, wrap) })
	var found []Violation
	for _, e := range n.all() {
		found = append(found, Violation{Rule: r.name, Found: e})
	}
	return found
}

func (s Suite) prove(r reporter, ru rule, wrap func(http.RoundTripper) http.RoundTripper) {
	r.Helper()
	p := newProbe(r, s, ru)
	p.wrap = func(base http.RoundTripper) http.RoundTripper {
		rt := wrap(base)
		if rt == nil {
			p.fatal("the wrapper made nil out of a base")
		}
		return rt
	}
	ru.prove(p)
}

// rules are those that can be tried on what the suite is for.
func (s Suite) rules() []rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r rule) bool {
		return s.Memory && r.needs != memory || s.HTTP2 && r.needs == http1
	})
}

// complaints are the faults of the suite's own settings.
func (s Suite) complaints() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.Omit)) {
		if !slices.ContainsFunc(rules, func(r rule) bool { return r.name == name }) {
			all = append(all, "Suite.Omit: there is no rule "+name)
		}
		if s.Omit[name] == "" {
			all = append(all, "Suite.Omit: no reason is given for "+name)
		}
	}
	return all
}
