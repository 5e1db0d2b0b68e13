package main

import "os"

// Jaeger is a program of a module of its own, examples/jaeger/jaegerd, outside of go.work: it has a replace directive and
// some three hundred requirements, which are nobody's business here.
const (
	jaegerModule = "examples/jaeger/jaegerd"
	jaegerPkg    = "github.com/jaegertracing/jaeger/cmd/jaeger"
)

// jaegerPath is where the Jaeger is kept that the tests of traces send to and read from.
func jaegerPath(h *house) (string, error) {
	if path := os.Getenv("JAEGER"); path != "" {
		return path, nil
	}
	return h.toolPath(jaegerModule, jaegerPkg)
}

// buildJaeger takes a quarter of an hour of one processor the first time.
func buildJaeger(h *house, dst string) error { return h.buildTool(jaegerModule, jaegerPkg, dst) }
