package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// exceptions are the tests that are known to differ, by chain and name.
type exceptions map[[2]string]string

// The kinds of exceptions.
const (
	always    = "always"
	sometimes = "sometimes"
)

// readExceptions reads lines of the form
//
//	CHAIN[,CHAIN...] always|sometimes TEST[ TEST...]: REASON
//
// Empty lines and those that begin with # are passed over.
func readExceptions(name string) (exceptions, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	e := exceptions{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		what, reason, _ := strings.Cut(line, ":")
		f := strings.Fields(what)
		if len(f) < 3 || f[1] != always && f[1] != sometimes || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s:%d: not of the form CHAINS KIND TESTS: REASON", name, number)
		}
		for chain := range strings.SplitSeq(f[0], ",") {
			for _, test := range f[2:] {
				e[[2]string{chain, test}] = f[1]
			}
		}
	}
	return e, nil
}

// kind returns what is said of a test in a chain, "" if nothing is.
func (e exceptions) kind(chain, test string) string { return e[[2]string{chain, test}] }

// of returns the tests that are of a kind in a chain.
func (e exceptions) of(chain, kind string) []string {
	var names []string
	for k, v := range e {
		if k[0] == chain && v == kind {
			names = append(names, k[1])
		}
	}
	slices.Sort(names)
	return names
}
