package fallback

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/safetrip-go/safetrip/internal/table"
	"github.com/safetrip-go/safetrip/transport"
)

// TestTheTableOfDefaultsIsTrue compares doc.go's table with the code.
func TestTheTableOfDefaultsIsTrue(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	l := new(Ladder)
	l.Wrap(nil)
	c := newCore(new(Cache))
	remote := newCore(&Cache{Store: nowhere{}, Namespace: "x", Secret: make([]byte, 32)})
	for name, value := range map[string]any{
		"Ladder.OfflineAfter": l.OfflineAfter,
		"Ladder.MaxKeys":      table.DefaultMax,
		"Cache.TTL":           c.TTL,
		"Cache.MaxBytes":      fmt.Sprint(c.MaxBytes, " bytes"),
		"Cache.MaxBody":       fmt.Sprint(c.MaxBody, " bytes"),
		"Cache.StoreTimeout":  remote.StoreTimeout,
		"NewMemory":           fmt.Sprint(NewMemory(0).Max(), " bytes"),
	} {
		line := fmt.Sprintf("//\t%-20s %v\n", name, value)
		if !strings.Contains(string(src), line) {
			t.Errorf("doc.go does not have the line %q", line)
		}
	}
}

type nowhere struct{ Store }

// TestTheListOfCredentialsIsTrue compares doc.go's list with the code.
func TestTheListOfCredentialsIsTrue(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(strings.ReplaceAll(string(src), "\n// ", " "))
	for _, name := range usualCredentials {
		if !strings.Contains(text, name) {
			t.Errorf("doc.go does not name %s", name)
		}
	}
}

// TestEveryExportedFieldSaysItsDefault looks for the words in the comments.
func TestEveryExportedFieldSaysItsDefault(t *testing.T) {
	for _, file := range []string{"cache.go", "ladder.go", "alternate.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range s.Fields.List {
				if len(field.Names) == 0 || !field.Names[0].IsExported() {
					continue
				}
				if field.Doc == nil {
					t.Errorf("%s: %s has no comment", file, field.Names[0])
					continue
				}
				text := field.Doc.Text()
				switch field.Type.(type) {
				case *ast.FuncType, *ast.SelectorExpr, *ast.StarExpr:
					if !strings.Contains(text, "nil") && !strings.Contains(text, "zero") {
						t.Errorf("%s: %s does not say what nil or zero means", file, field.Names[0])
					}
				}
				if id, ok := field.Type.(*ast.Ident); ok && (id.Name == "int" || id.Name == "int64") && !strings.Contains(text, "If zero") {
					t.Errorf("%s: %s does not say what zero means", file, field.Names[0])
				}
			}
			return true
		})
	}
}

// TestARequestThatChangesWhileItsAnswerIsRead is what a caller may not do, and
// some do: the answer must not end up under another's key.
func TestARequestThatIsReusedAtItsEnd(t *testing.T) {
	c := new(Cache)
	rt := c.Wrap(transport.Func(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("for alice")), ContentLength: 9, Request: req}, nil
	}))
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/", nil)
	req.Header.Set("Cookie", "alice")
	resp, _ := rt.RoundTrip(req)
	req.Header.Set("Cookie", "bob")
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp, err := c.Step().Do(req, transport.Verdict{}); err == nil {
		body, _ := io.ReadAll(resp.Body)
		t.Errorf("bob got %q", body)
	}
}
