package redisstore

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTheTableOfDefaultsIsTrue compares doc.go's table with the code.
func TestTheTableOfDefaultsIsTrue(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{}.withDefaults()
	for name, value := range map[string]any{
		"Timeout":          c.Timeout,
		"MaxValue":         fmt.Sprint(c.MaxValue, " bytes"),
		"NearBytes":        fmt.Sprint(c.NearBytes, ": no copies"),
		"FailureThreshold": c.FailureThreshold,
		"OpenFor":          c.OpenFor,
		"MaxOpenFor":       c.MaxOpenFor,
	} {
		line := fmt.Sprintf("//\t%-24s %v\n", "Config."+name, value)
		if !strings.Contains(string(src), line) {
			t.Errorf("doc.go does not have the line %q", line)
		}
	}
}
