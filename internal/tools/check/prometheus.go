package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// prometheusPath is where Prometheus is, with its promtool beside it.
func prometheusPath(h *house) (string, error) {
	if path := os.Getenv("PROMETHEUS"); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath("prometheus"); err == nil {
		return path, nil
	}
	return filepath.Join(h.cache, "prometheus", "usr", "bin", "prometheus"), nil
}

// fetchPrometheus unpacks Debian's package into the cache folder. Nothing is installed: the two programs need no more
// than the C library.
func fetchPrometheus(h *house, dst string) error {
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return errors.New(tool + ", which fetches it, is not on the PATH; install Prometheus, or name one in PROMETHEUS")
		}
	}
	tmp, err := os.MkdirTemp(h.cache, "prometheus.*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	script := `cd "$DIR"; { apt-get download -q prometheus || { apt-get update -q && apt-get download -q prometheus; } } && dpkg-deb -x prometheus_*.deb whole`
	if _, err := h.output(module{dir: "."}, "DIR="+tmp, "sh", "-c", script); err != nil {
		return err
	}
	// Renamed when whole, as a tool is.
	root := filepath.Dir(filepath.Dir(filepath.Dir(dst)))
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	return os.Rename(filepath.Join(tmp, "whole"), root)
}
