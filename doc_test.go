package safetrip

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestTheTableOfDefaultsIsTrue(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "// # Defaults\n")
	section, _, _ := strings.Cut(rest, "// # ")
	got := make(map[string]string)
	for _, row := range regexp.MustCompile(`(?m)^//\t(\S+) {2,}(.+)$`).FindAllStringSubmatch(section, -1) {
		got[row[1]] = row[2]
	}
	c := Config{}.withDefaults()
	ifZero := func(field, words string) string {
		v := reflect.ValueOf(c).FieldByName(field)
		if v.IsZero() {
			return words
		}
		return fmt.Sprint(v)
	}
	for setting, want := range map[string]string{
		"Config.Base":            ifZero("Base", "http.DefaultTransport"), // that of transport.Chain
		"Config.Retry.MaxDelay":  fmt.Sprint(c.Retry.MaxDelay),
		"Config.Timeout.Headers": fmt.Sprint(c.Timeout.Headers),
		"Config.Deadline":        ifZero("Deadline", "no limit"),
		"Config.Limit":           ifZero("Limit", "no bound"),
		"Config.Buffer":          ifZero("Buffer", "off"),
		"Config.Logger":          "slog.Default()",
	} {
		if got[setting] != want {
			t.Errorf("doc.go says that %s is %q; it is %q", setting, got[setting], want)
		}
		delete(got, setting)
	}
	for setting := range got {
		t.Errorf("doc.go has %s, which nobody compares", setting)
	}
}
