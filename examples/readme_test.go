// Package examples has the runnable programs in its folders; here is the test
// that the repository's README knows them, and that its snippets are Go that
// compiles.
package examples

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// known has the packages that a snippet may name, and around has what it may
// find around itself.
var (
	known = map[string]string{
		"context":   "context",
		"http":      "net/http",
		"sql":       "database/sql",
		"strings":   "strings",
		"slog":      "log/slog",
		"time":      "time",
		"fallback":  "github.com/safetrip-go/safetrip/fallback",
		"healthz":   "github.com/safetrip-go/safetrip/healthz",
		"safetrip":  "github.com/safetrip-go/safetrip",
		"telemetry": "github.com/safetrip-go/safetrip/telemetry",
		"transport": "github.com/safetrip-go/safetrip/transport",
	}
	around = map[string]string{
		"agent":     "*safetrip.Agent",
		"ctx":       "context.Context",
		"db":        "*sql.DB",
		"lastKnown": "string",
		"mux":       "*http.ServeMux",
		"name":      "string",
	}
)

// A program is a folder that has a main.go.
func TestEachProgramSaysHowItIsRunAndIsInTheREADME(t *testing.T) {
	t.Parallel()
	programs, err := filepath.Glob("*/main.go")
	if err != nil || len(programs) == 0 {
		t.Fatalf("%d programs, error %v", len(programs), err)
	}
	for _, program := range programs {
		name := filepath.Dir(program)
		for _, tt := range []struct{ file, says string }{
			{"../README.md", fmt.Sprintf("[`%s`](examples/%s)", name, name)},
			{program, "\n//\tgo run ./examples/" + name},
			{name + "/README.md", "\n    go run ./examples/" + name},
			{name + "/main_test.go", "\nfunc Test"},
		} {
			text, err := os.ReadFile(tt.file)
			if err != nil || !strings.Contains(string(text), tt.says) {
				t.Errorf("%s does not say %q (%v)", tt.file, tt.says, err)
			}
		}
	}
}

func TestTheSnippetsOfTheREADMECompile(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(snippets) == 0 {
		t.Fatal("the README has no snippets")
	}
	// The files are not in the repository: an overlay tells the go command
	// that they are.
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir, replace := t.TempDir(), make(map[string]string)
	args := []string{"build", "-overlay", filepath.Join(dir, "overlay.json")}
	for i, s := range snippets {
		pkg := fmt.Sprintf("readme%d", i+1)
		source := filepath.Join(dir, pkg+".go")
		if err := os.WriteFile(source, []byte(complete(t, string(s[1]))), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(here, pkg, "snippet.go")] = source
		args = append(args, "./"+pkg)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// complete makes a file of a snippet: it adds the imports, a function around
// it, what it finds there, and a use for what it declares.
func complete(t *testing.T, snippet string) string {
	t.Helper()
	if strings.HasPrefix(snippet, "package ") {
		return snippet
	}
	body := "package snippet\n\nfunc _() error {\n" + snippet + "\nreturn nil }\n"
	file, err := parser.ParseFile(token.NewFileSet(), "", body, parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("%v\n%s", err, snippet)
	}
	var declared []string
	names := make(map[string]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, to := range n.Lhs {
					declared = append(declared, to.(*ast.Ident).Name)
				}
			}
		case *ast.Ident:
			names[n.Name] = true
		}
		return true
	})
	var parameters, uses, imports strings.Builder
	for name, of := range around {
		if names[name] && !slices.Contains(declared, name) {
			fmt.Fprintf(&parameters, "%s %s, ", name, of)
		}
	}
	for _, name := range declared {
		fmt.Fprintf(&uses, "_ = %s\n", name)
	}
	text := fmt.Sprintf("\nfunc _(%s) error {\n%s\n%sreturn nil\n}\n", parameters.String(), snippet, uses.String())
	for name, path := range known {
		if names[name] || regexp.MustCompile(`\b`+name+`\.`).MatchString(parameters.String()) {
			fmt.Fprintf(&imports, "import %q\n", path)
		}
	}
	return "package snippet\n\n" + imports.String() + text
}
