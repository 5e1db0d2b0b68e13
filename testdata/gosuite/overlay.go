package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// An overlay is what the go command shall see in GOROOT/src in place of, or
// beside, what is there. Its files are made in a temporary folder.
type overlay struct {
	goroot  string
	dir     string
	replace map[string]string
	chains  string // the path by which Go's tests import the chains
}

// prefix is where the packages of other modules go. The go command takes for
// its own what stands in GOROOT/src and has no dot in the first element of its
// path.
const prefix = "gosuite/"

// add puts src at name, a path below GOROOT/src.
func (o *overlay) add(name string, src []byte) error {
	file := filepath.Join(o.dir, fmt.Sprintf("%04d_%s", len(o.replace), path.Base(name)))
	o.replace[filepath.Join(o.goroot, "src", filepath.FromSlash(name))] = file
	return os.WriteFile(file, src, 0o644)
}

// write writes the file that go's flag -overlay wants, and returns its name.
func (o *overlay) write() (string, error) {
	b, err := json.MarshalIndent(map[string]any{"Replace": o.replace}, "", "\t")
	if err != nil {
		return "", err
	}
	name := filepath.Join(o.dir, "overlay.json")
	return name, os.WriteFile(name, b, 0o644)
}

// A goPackage is what go list says of a package.
type goPackage struct {
	ImportPath, Dir                     string
	Standard                            bool
	GoFiles, SFiles, HFiles, EmbedFiles []string
}

// addPackages adds the chains, and those of their dependencies that are not
// Go's own.
func (o *overlay) addPackages(ctx context.Context, root string) error {
	out, err := output(ctx, root, []string{"CGO_ENABLED=0"}, "go", "list", "-deps", "-json", tags, chainsPackage)
	if err != nil {
		return err
	}
	var pkgs []goPackage
	moved := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			return err
		}
		if !p.Standard {
			pkgs = append(pkgs, p)
			moved[p.ImportPath] = true
		}
	}
	for _, p := range pkgs {
		for _, name := range slices.Concat(p.GoFiles, p.SFiles, p.HFiles, p.EmbedFiles) {
			src, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				return err
			}
			if path.Ext(name) == ".go" {
				if src, err = rewriteImports(name, src, moved); err != nil {
					return err
				}
			}
			if err := o.add(prefix+p.ImportPath+"/"+filepath.ToSlash(name), src); err != nil {
				return err
			}
		}
	}
	o.chains = prefix + pkgs[len(pkgs)-1].ImportPath // go list -deps has a package after what it imports
	return nil
}

// rewriteImports has a file import the packages that moved from where they are
// now.
func rewriteImports(name string, src []byte, moved map[string]bool) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	for _, imp := range slices.Backward(file.Imports) {
		p, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return nil, err
		}
		if moved[p] {
			src = replace(fset, src, imp.Path, strconv.Quote(prefix+p))
		}
	}
	return src, nil
}

// addHooks has every http.Client and every httputil.ReverseProxy use its
// transport through the chain that the environment names.
func (o *overlay) addHooks() error {
	client, err := o.edit("net/http/client.go", func(n ast.Node) (ast.Node, string) {
		if f, ok := n.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "transport" {
			return f.Name, "bareTransport"
		}
		return nil, ""
	})
	if err != nil {
		return err
	}
	proxy, err := o.edit("net/http/httputil/reverseproxy.go", func(n ast.Node) (ast.Node, string) {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "RoundTrip" {
			return s.X, "http.GosuiteWrapped(transport)"
		}
		return nil, ""
	})
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"net/http/client.go":                client,
		"net/http/gosuite.go":               []byte(hooks),
		"net/http/httputil/reverseproxy.go": proxy,
	}
	for _, pkg := range suites {
		files[pkg+"/gosuite_test.go"] = fmt.Appendf(nil, hooksTest, path.Base(pkg), o.chains)
	}
	for name, src := range files {
		if err := o.add(name, src); err != nil {
			return err
		}
	}
	return nil
}

const hooks = `package http

var GosuiteWrap func(RoundTripper) RoundTripper

func GosuiteWrapped(rt RoundTripper) RoundTripper {
	if GosuiteWrap == nil {
		return rt
	}
	return GosuiteWrap(rt)
}

func (c *Client) transport() RoundTripper { return GosuiteWrapped(c.bareTransport()) }
`

const hooksTest = `package %s_test

import (
	"net/http"
	"os"

	chains %q
)

func init() { http.GosuiteWrap = chains.Wrap(os.Getenv("GOSUITE_CHAIN")) }
`

// edit returns a file of Go's with another text for the one node that find
// finds.
func (o *overlay) edit(name string, find func(ast.Node) (node ast.Node, text string)) ([]byte, error) {
	src, err := os.ReadFile(filepath.Join(o.goroot, "src", filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	places := 0
	edited := src
	ast.Inspect(file, func(n ast.Node) bool {
		if node, text := find(n); node != nil {
			places++
			edited = replace(fset, src, node, text)
		}
		return true
	})
	if places != 1 {
		return nil, fmt.Errorf("%s has %d places to hook into, and should have one: this Go needs another hook", name, places)
	}
	return edited, nil
}

func replace(fset *token.FileSet, src []byte, n ast.Node, text string) []byte {
	from, to := fset.Position(n.Pos()).Offset, fset.Position(n.End()).Offset
	return slices.Concat(src[:from], []byte(text), src[to:])
}
