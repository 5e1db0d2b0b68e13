package telemetry

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// The manual names every metric of the kit with its unit, and the defaults as
// they are.
func TestDocIsTrue(t *testing.T) {
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{} // first word of a line: the rest
	for line := range strings.Lines(string(b)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "//")), " ")
		said[name] = strings.TrimSpace(rest)
	}
	file, err := os.Open("../testdata/telemetry/kit.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) > 2 && strings.HasPrefix(f[0], "safetrip.") && !strings.HasPrefix(said[f[0]], f[2]) {
			t.Errorf("doc.go says of %s: %q; its unit is %s", f[0], said[f[0]], f[2])
		}
	}
	for name, want := range map[string]string{
		"Call.MaxHosts": "100", "Attempt.MaxHosts": "100", "Observers.MaxKeys": "100", "KnownMethods": strings.Join(standardMethods, " "),
	} {
		if said[name] != want {
			t.Errorf("doc.go says of %s: %q, it is %q", name, said[name], want)
		}
	}
	if defaultMaxHosts != 100 {
		t.Errorf("MaxHosts is %d", defaultMaxHosts)
	}
}
