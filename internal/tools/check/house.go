package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A house is the repository and the machine that it is checked on.
type house struct {
	root    string // absolute
	cache   string // built tools and servers, kept between runs
	modules []module
	ci      bool     // CI=true: what is missing is a failure
	env     []string // for tests: where the servers are
}

// A module is one go.mod of the repository.
type module struct {
	dir   string // relative to the root, with slashes; "." is the root
	alone bool   // not listed in go.work
}

// newHouse finds the repository above the current directory and lists its modules.
func newHouse() (*house, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for !exists(filepath.Join(dir, "go.work")) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil, errors.New("no go.work here or above")
		}
		dir = parent
	}
	h := &house{root: dir, cache: cacheDir(), ci: os.Getenv("CI") == "true"}
	out, err := h.output(module{dir: "."}, "go", "work", "edit", "-json")
	if err != nil {
		return nil, err
	}
	h.modules, err = parseWork(out)
	if err != nil {
		return nil, err
	}
	h.modules = append(h.modules, module{dir: "internal/tools", alone: true})
	return h, nil
}

// parseWork reads what `go work edit -json` prints. The root comes first.
func parseWork(out []byte) ([]module, error) {
	var work struct{ Use []struct{ DiskPath string } }
	if err := json.Unmarshal(out, &work); err != nil {
		return nil, fmt.Errorf("go.work: %w", err)
	}
	var mods []module
	for _, u := range work.Use {
		mods = append(mods, module{dir: filepath.ToSlash(filepath.Clean(u.DiskPath))})
	}
	slices.SortFunc(mods, func(a, b module) int { return strings.Compare(a.dir, b.dir) })
	return mods, nil
}

// cacheDir is the user's own cache folder, or one in the temporary folder where there is none that can be written to.
func cacheDir() string {
	if dir, err := os.UserCacheDir(); err == nil {
		dir = filepath.Join(dir, "safetrip")
		if os.MkdirAll(dir, 0o755) == nil && writable(dir) {
			return dir
		}
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("safetrip-cache-%d", os.Getuid()))
}

func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".probe")
	if err != nil {
		return false
	}
	f.Close()
	os.Remove(f.Name())
	return true
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// command prepares a program to be run in the module's folder. More environment comes as NAME=value before the program's name.
func (h *house) command(m module, args ...string) *exec.Cmd {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "GOWORK=") })
	if m.alone {
		env = append(env, "GOWORK=off")
	}
	for strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Join(h.root, filepath.FromSlash(m.dir))
	cmd.Env = env
	cmd.Env = append(cmd.Env, "PWD="+cmd.Dir)
	return cmd
}

// show runs a program whose output is for the reader, under a line that says what is run and where.
func (h *house) show(m module, args ...string) error {
	h.say(m, args)
	cmd := h.command(m, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", m.dir, err)
	}
	return nil
}

func (h *house) say(m module, args []string) {
	line := strings.ReplaceAll(strings.Join(args, " "), h.cache+string(filepath.Separator), "")
	if m.alone {
		line = "GOWORK=off " + line
	}
	fmt.Printf("   %s: %s\n", m.dir, line)
}

// output runs a program and returns what it printed; what it said on its standard error is in the error.
func (h *house) output(m module, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := h.command(m, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// each calls f for every module and joins the errors, so that one module's fault does not hide another's.
func (h *house) each(f func(module) error) error {
	var errs []error
	for _, m := range h.modules {
		if err := f(m); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// unlessCI is a gap on somebody's own machine and a failure where the checks decide.
func (h *house) unlessCI(why string) error {
	if h.ci {
		return errors.New(why)
	}
	return leftOut(why)
}

// offline reports whether an error of the go command speaks of the network rather than of the code.
func offline(err error) bool {
	for _, s := range []string{
		"dial tcp", "no such host", "i/o timeout", "TLS handshake timeout", "connection refused", "connection reset",
		"network is unreachable", "module lookup disabled", "proxyconnect", "Client.Timeout", "server misbehaving",
	} {
		if strings.Contains(err.Error(), s) {
			return true
		}
	}
	return false
}
