package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/transport/rttest"
)

// TestMain lets the test's program play the parts that run in processes of
// their own.
func TestMain(m *testing.M) {
	flag.Parse() // rttest asks for -short
	if played, err := playPart(); played {
		exit(err)
	}
	os.Exit(m.Run())
}

// hardly measures enough for figures to be there, not for them to be right.
var hardly = options{
	pace: pace{2, 100 * time.Microsecond}, loopbackRounds: 2, atOnce: 4, processes: 5, flakyCalls: 2, circuits: 20, inflight: 10, entries: 20,
	keys: 10, scaleEntries: 10, memoryRules: true,
}

func TestEveryWorkloadFillsItsTables(t *testing.T) {
	r := report{progress: io.Discard}
	for _, w := range workloads {
		if w.name == "contract" {
			continue // it has a test of its own, with those that break nothing for long
		}
		tables, pictures := len(r.tables), len(r.pictures)
		began := time.Now()
		if err := w.run(hardly, &r); err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		if len(r.tables) == tables && len(r.pictures) == pictures {
			t.Errorf("%s reports nothing", w.name)
		}
		t.Logf("%s: %v", w.name, time.Since(began).Round(time.Millisecond))
	}
	for _, tab := range r.all() {
		checkTable(t, tab)
	}
	for _, tab := range r.tables {
		if strings.HasPrefix(tab.title, "Overhead") || strings.HasPrefix(tab.title, "Loopback") {
			for i, c := range field() {
				if tab.rows[i][0] != c.name {
					t.Errorf("%s: row %d is %s, want %s", tab.title, i, tab.rows[i][0], c.name)
				}
			}
		}
	}
	checkFiles(t, &r)
}

func checkTable(t *testing.T, tab *table) {
	t.Helper()
	if len(tab.rows) == 0 || tab.note == "" {
		t.Errorf("%s: %d rows, note %q", tab.title, len(tab.rows), tab.note)
	}
	for _, row := range tab.rows {
		if len(row) != len(tab.head) {
			t.Errorf("%s: %d cells below %d heads: %v", tab.title, len(row), len(tab.head), row)
		}
		if s := fmt.Sprint(row); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%s: %v", tab.title, row)
		}
	}
}

// checkFiles writes the report and looks at what was written.
func checkFiles(t *testing.T, r *report) {
	t.Helper()
	dir := t.TempDir()
	if err := r.write(dir, time.Second); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"compare.txt", "compare.md"} {
		text := read(t, dir, name)
		for _, tab := range r.all() {
			if !bytes.Contains(text, []byte(tab.title)) {
				t.Errorf("%s has no %q", name, tab.title)
			}
		}
	}
	for _, picture := range []string{"overhead", "loopback", "scale"} {
		for _, paint := range []string{"light", "dark"} {
			name := picture + "-" + paint + ".svg"
			svg := read(t, dir, name)
			if err := wellFormed(svg); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !bytes.Contains(svg, []byte(gobreak.name)) || bytes.Contains(svg, []byte("NaN")) {
				t.Errorf("%s does not show gobreaker, or shows what is not a number", name)
			}
		}
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func wellFormed(doc []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestTheKitKeepsTheContractWhereOthersDoNot(t *testing.T) {
	players := []contender{bare, kitRetry, kitBreaker, kitChain, kitTimed, kitAgent, rehttpRetry, otel, gregjones}
	broken, err := scoreboard(hardly, players)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range players {
		if limit := c.ours || c.name == bare.name; limit && len(broken[i]) > 0 {
			t.Errorf("%s breaks %v", c.name, broken[i])
		} else if !limit && len(broken[i]) == 0 {
			t.Errorf("%s breaks nothing; did it when this was written", c.name)
		}
	}
	checkTable(t, keptTable(players, broken, rttest.Rules()))
	checkTable(t, rulesTable(players, broken, rttest.Rules()))
}

func TestFigures(t *testing.T) {
	r, base := run{samples: make([]sample, 4)}, run{samples: make([]sample, 4)}
	for i := range r.samples {
		base.samples[i].wall = float64(i + 1)    // 1 2 3 4
		r.samples[i].wall = float64(3 * (i + 1)) // 3 6 9 12
	}
	if got, want := r.of(wall), (figure{5.25, 7.5, 9.75}); got != want {
		t.Errorf("of: %v, want %v", got, want)
	}
	if got, want := r.over(base, wall), (figure{3.5, 5, 6.5}); got != want {
		t.Errorf("over: %v, want %v", got, want)
	}
	if got, want := r.times(base, wall), (figure{3, 3, 3}); got != want {
		t.Errorf("times: %v, want %v", got, want)
	}
	for v, want := range map[float64]string{
		0: "0", 0.004: "0", 1.234: "1.23", 9.996: "10.0", 99.96: "100", 1234567: "1,234,567", -36.84: "-36.8", -1500: "−1,500",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestTheSummaryMarksTheLeast(t *testing.T) {
	var s summary
	s.set(httpClient.name, "ns", 1, "1")
	s.set(kitChain.name, "ns", 100, "100")
	s.set(gobreak.name, "ns", 103, "103")
	s.set(restyRetry.name, "ns", 200, "200")
	var cells []string
	for _, row := range s.table().rows {
		cells = append(cells, row[1])
	}
	if want := []string{"1", "**100**", "**103**", "200"}; !slices.Equal(cells, want) {
		t.Errorf("%v, want %v", cells, want)
	}
}
