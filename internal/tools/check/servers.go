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
)

// servers is what tests need besides Go modules.
var servers = []server{
	{"Chromium", "CHROMIUM", chromiumPath, installChromium},
	{"axe-core", "AXE", axePath, fetchAxe},
	{"toxiproxy", "TOXIPROXY", toxiproxyPath, buildToxiproxy},
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
