package main

import (
	"runtime"
	"strings"
)

// gosuiteGo is the Go whose tests testdata/gosuite/exceptions.txt speaks of.
const gosuiteGo = "go1.26"

// gosuite sends the tests of Go's own net/http and httputil through the kit, in every chain that testdata/gosuite knows.
func (h *house) gosuite() (string, error) {
	return "", h.show(module{dir: "."}, "go", "run", "./testdata/gosuite")
}

// gosuiteShort is what of it a change has to wait for: the two chains that hold all layers, and Go's tests with -short.
func (h *house) gosuiteShort() (string, error) {
	if version := runtime.Version(); version != gosuiteGo && !strings.HasPrefix(version, gosuiteGo+".") {
		return "", h.unlessCI("its exceptions are those of " + gosuiteGo + ", and this is " + version)
	}
	const chains = "agent,retry"
	return chains, h.show(module{dir: "."}, "go", "run", "./testdata/gosuite", "-short", "-chains", chains)
}
