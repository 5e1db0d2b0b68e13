package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// A server is a program that some tests talk to and that takes long to build or fetch. `make deps` and CI=true build it;
// otherwise `make test` uses it if it is there. Tests find its path in the environment and skip, in one line, without it.
type server struct {
	name  string                           // as in the summary
	env   string                           // the variable that holds the program's path
	path  func(h *house) (string, error)   // where it is or would be
	build func(h *house, dst string) error // puts it there
}

func (h *house) servers() (string, error) { return h.findServers(h.ci) }

func (h *house) buildServers() (string, error) { return h.findServers(true) }

// findServers tells the tests where the servers are, and builds those that are missing if it must.
func (h *house) findServers(build bool) (string, error) {
	if len(servers) == 0 {
		return "none needed", nil
	}
	missing := 0
	for _, s := range servers {
		path, err := s.path(h)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.name, err)
		}
		if !exists(path) && !build {
			fmt.Printf("   %s is not there, its tests skip; `make deps` gets it\n", s.name)
			missing++
			continue
		}
		if !exists(path) {
			fmt.Printf("   getting %s, once\n", s.name)
			if err := s.build(h, path); err != nil {
				return "", fmt.Errorf("%s: %w", s.name, err)
			}
		}
		h.env = append(h.env, s.env+"="+path)
	}
	return fmt.Sprintf("%d of %d there", len(servers)-missing, len(servers)), nil
}

// The tools of internal/tools/go.mod.
const (
	golangciLint = "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"
	staticcheck  = "honnef.co/go/tools/cmd/staticcheck"
	govulncheck  = "golang.org/x/vuln/cmd/govulncheck"
	benchstat    = "golang.org/x/perf/cmd/benchstat"
)

func (h *house) buildTools() (string, error) {
	for _, pkg := range []string{golangciLint, staticcheck, govulncheck, benchstat} {
		path, err := h.tool("internal/tools", pkg)
		if err != nil {
			return "", err
		}
		fmt.Println("  ", path)
	}
	return "", nil
}

// tool returns the path of a program that the module in dir requires, built on first use.
func (h *house) tool(dir, pkg string) (string, error) {
	path, err := h.toolPath(dir, pkg)
	if err != nil || exists(path) {
		return path, err
	}
	fmt.Printf("   building %s, once; the first time this takes minutes\n", filepath.Base(pkg))
	return path, h.buildTool(dir, pkg, path)
}

// toolPath is where such a program is kept. The folder's name is a hash of the module's requirements and the Go version,
// so that a change of either builds anew and nothing else does.
func (h *house) toolPath(dir, pkg string) (string, error) {
	key := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(h.root, filepath.FromSlash(dir), name))
		if err != nil {
			return "", err
		}
		key.Write(b)
	}
	fmt.Fprint(key, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	path := filepath.Join(h.cache, "tools", fmt.Sprintf("%x", key.Sum(nil)[:6]), filepath.Base(pkg))
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	return path, nil
}

func (h *house) buildTool(dir, pkg, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// Renamed when whole: an interrupted build leaves nothing that looks like a tool.
	part := fmt.Sprintf("%s.%d", path, os.Getpid())
	defer os.Remove(part)
	m := module{dir: dir, alone: true}
	_, err := h.output(m, "CGO_ENABLED=0", "go", "build", "-trimpath", "-buildvcs=false", "-o", part, pkg)
	if err != nil {
		return err
	}
	return os.Rename(part, path)
}

// linter is tool for the checks: a machine without network can still run the tests.
func (h *house) linter(pkg string) (string, error) {
	path, err := h.tool("internal/tools", pkg)
	if err != nil && offline(err) {
		return "", h.unlessCI("cannot be built: the modules cannot be reached")
	}
	return path, err
}
