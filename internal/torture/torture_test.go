package torture

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEveryFault(t *testing.T) {
	var l ledger
	mux := l.counting(newMux(&l))
	for _, p := range []protocol{http1, http2, http2TLS} {
		t.Run(string(p), func(t *testing.T) {
			s := service{&l, serve(t, mux, p), p}
			cases := 0
			for _, x := range exchanges {
				if x.on != nil && !slices.Contains(x.on, p) || x.on == nil && p == http2TLS {
					continue
				}
				t.Run(x.name, func(t *testing.T) {
					for i := range faults {
						f := &faults[i]
						if testing.Short() && f.name != "reset" {
							continue
						}
						cases += tortureWith(t, s, &x, f)
					}
				})
			}
			t.Logf("%d cases", cases)
		})
	}
}

func TestTheREADMECountsRight(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%d exchanges fails once in each way it can, of %d:", len(exchanges), len(faults)); !strings.Contains(string(readme), s) {
		t.Errorf("it does not say %q", s)
	}
}

// tortureWith makes an exchange again and again, and lets f be met by the first
// operation of its kind, then by the second, until there are no more. It returns
// how many there were.
func tortureWith(t *testing.T, s service, x *exchange, f *fault) int {
	for nth := 1; ; nth++ {
		if !newRig(t, s, f.at(nth)).torture(x, f, nth) {
			return nth - 1
		}
	}
}
