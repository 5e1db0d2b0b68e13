package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// servers is what tests need besides Go modules.
var servers = []server{
	{"Chromium", "CHROMIUM", chromiumPath, installChromium},
	{"axe-core", "AXE", axePath, fetchAxe},
	{"toxiproxy", "TOXIPROXY", toxiproxyPath, buildToxiproxy},
	{"Redis", "REDIS", redisPath, fetchRedis},
	{"Jaeger", "JAEGER", jaegerPath, buildJaeger},
	{"Prometheus", "PROMETHEUS", prometheusPath, fetchPrometheus},
}

// chromiumPath finds the browser that drives the health page's test.
func chromiumPath(*house) (string, error) {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path, nil
		}
	}
	return "/usr/bin/chromium", nil
}

// installChromium is the one thing that is installed system-wide, for want of a way to run a browser without its
// libraries: Debian's package, by root, and only where it was asked for.
func installChromium(h *house, _ string) error {
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return errors.New("not found on the PATH; install it, or name one in CHROMIUM")
	}
	m := module{dir: "."}
	if _, err := h.output(m, "DEBIAN_FRONTEND=noninteractive", "apt-get", "update", "-q"); err != nil {
		return err
	}
	_, err := h.output(m, "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium")
	return err
}

const axeVersion = "4.14.1"

// axePath is where axe-core is kept, which looks for what is in the way of somebody who uses a page without eyes or
// without a mouse.
func axePath(h *house) (string, error) {
	if path := os.Getenv("AXE"); path != "" {
		return path, nil
	}
	return filepath.Join(h.cache, "axe-core-"+axeVersion, "axe.min.js"), nil
}

// fetchAxe gets axe-core from its npm package, without a node_modules folder.
func fetchAxe(h *house, dst string) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New("npm, which fetches it, is not on the PATH; or name an axe.min.js in AXE")
	}
	dir := filepath.Dir(dst)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if _, err := h.output(module{dir: "."}, "npm", "pack", "--silent", "--pack-destination", dir, "axe-core@"+axeVersion); err != nil {
		return err
	}
	return unpack(filepath.Join(dir, "axe-core-"+axeVersion+".tgz"), "package/axe.min.js", dst)
}

// unpack writes one file of an archive to dst.
func unpack(archive, name, dst string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		head, err := t.Next()
		if err != nil {
			return fmt.Errorf("%s in %s: %w", name, archive, err)
		}
		if head.Name != name {
			continue
		}
		b, err := io.ReadAll(t)
		if err != nil {
			return err
		}
		return os.WriteFile(dst, b, 0o644)
	}
}

// toxiproxy is a proxy for TCP that spoils connections on demand. Its module is one of its own, so that what it needs
// becomes nobody else's.
const (
	toxiproxyModule = "internal/tools/toxiproxy"
	toxiproxy       = "github.com/Shopify/toxiproxy/v2/cmd/server"
)

func toxiproxyPath(h *house) (string, error) {
	if path := os.Getenv("TOXIPROXY"); path != "" {
		return path, nil
	}
	return h.toolPath(toxiproxyModule, toxiproxy)
}

func buildToxiproxy(h *house, dst string) error { return h.buildTool(toxiproxyModule, toxiproxy, dst) }

// redisPath finds the server that the tests of fallback/redisstore kill.
func redisPath(h *house) (string, error) {
	for _, name := range []string{os.Getenv("REDIS"), "redis-server"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path, nil
		}
	}
	return filepath.Join(h.cache, "redis", "redis-server"), nil
}

// redisPackages are Debian's packages with the server and those of its libraries that a small system lacks.
var redisPackages = []string{"redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1"}

// fetchRedis unpacks Debian's packages in the cache folder, where no service is started and nothing is in anybody's
// way. Where that does not run, for want of a further library, root installs the package.
func fetchRedis(h *house, dst string) error {
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s, which fetches it, is not on the PATH; install redis-server, or name one in REDIS", tool)
		}
	}
	err := unpackRedis(h, dst)
	if err == nil || os.Geteuid() != 0 {
		return err
	}
	os.Remove(dst)
	m := module{dir: "."}
	_, err = h.output(m, "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", "--no-install-recommends", "redis-server")
	if err != nil {
		return err
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return err
	}
	return os.Symlink(path, dst)
}

func unpackRedis(h *house, dst string) error {
	dir := filepath.Dir(dst)
	root := filepath.Join(dir, "root")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	get := append([]string{"sh", "-c", `cd "$0" && exec apt-get download -q "$@"`, dir}, redisPackages...)
	m := module{dir: "."}
	_, err := h.output(m, get...)
	if err != nil && os.Geteuid() == 0 { // the lists of packages may be older than the packages
		if _, err = h.output(m, "DEBIAN_FRONTEND=noninteractive", "apt-get", "update", "-q"); err == nil {
			_, err = h.output(m, get...)
		}
	}
	if err != nil {
		return err
	}
	packages, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return err
	}
	for _, p := range packages {
		if _, err := h.output(m, "dpkg-deb", "-x", p, root); err != nil {
			return err
		}
		os.Remove(p)
	}
	libs, err := filepath.Glob(filepath.Join(root, "usr", "lib", "*-linux-*"))
	if err != nil {
		return err
	}
	// The server finds its libraries by the script's environment, and has the script's process id.
	script := fmt.Sprintf("#!/bin/sh\nLD_LIBRARY_PATH='%s' exec '%s' \"$@\"\n",
		strings.Join(libs, ":"), filepath.Join(root, "usr", "bin", "redis-server"))
	if err := os.WriteFile(dst, []byte(script), 0o755); err != nil {
		return err
	}
	if _, err := h.output(m, dst, "--version"); err != nil {
		os.Remove(dst)
		return err
	}
	return nil
}
