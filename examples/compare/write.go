package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// preamble says what the figures were measured on.
func preamble(took time.Duration) string {
	return fmt.Sprintf("%s %s/%s, %d processors; measured in %v\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), took.Round(time.Second))
}

// write writes compare.txt, compare.md, and each picture twice, for pages that
// are light and for those that are dark.
func (r *report) write(dir string, took time.Duration) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var text, markdown bytes.Buffer
	text.WriteString(preamble(took))
	markdown.WriteString(preamble(took))
	r.text(&text)
	r.markdown(&markdown)
	files := map[string][]byte{"compare.txt": text.Bytes(), "compare.md": markdown.Bytes()}
	for _, p := range r.pictures {
		for _, paint := range []paint{light, dark} {
			svg, err := p.svg(paint)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			files[p.name+"-"+paint.name+".svg"] = svg
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
