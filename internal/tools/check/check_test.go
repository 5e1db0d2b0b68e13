package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReader(t *testing.T) {
	const events = `go: downloading example.com/x v1.0.0
{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: chatter\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    a_test.go:9: no server: make deps\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.01s\n"}
{"Action":"pass","Package":"p"}
{"ImportPath":"r","Action":"build-output","Output":"r.go:1: undefined: x\n"}
{"Action":"output","Package":"r","Output":"FAIL\tr [build failed]\n"}
{"Action":"fail","Package":"r"}
{"Action":"output","Package":"q","Test":"TestC","Output":"    q_test.go:5: got 1, want 2\n"}
{"Action":"output","Package":"q","Test":"TestC","Output":"--- FAIL: TestC (0.00s)\n"}
{"Action":"fail","Package":"q","Test":"TestC"}
{"Action":"output","Package":"q","Test":"TestD","Output":"panic: boom\n"}
{"Action":"output","Package":"q","Output":"FAIL\tq\t0.01s\n"}
{"Action":"fail","Package":"q"}
`
	const concise = `go: downloading example.com/x v1.0.0
SKIP	p TestB: no server: make deps
ok  	p	0.01s	1 passed, 1 skipped
r.go:1: undefined: x
FAIL	r [build failed]
    q_test.go:5: got 1, want 2
--- FAIL: TestC (0.00s)
panic: boom
FAIL	q	0.01s
`
	for _, tt := range []struct {
		name    string
		verbose bool
		want    string
	}{
		{"packages, skips and failures", false, concise},
		{"with CI=true passes too", true, strings.Replace(concise, "SKIP\t", "--- PASS: TestA (0.00s)\nSKIP\t", 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			r := reader{out: &out, verbose: tt.verbose, seen: map[string]*pkg{}}
			r.read(strings.NewReader(events))
			if out.String() != tt.want {
				t.Errorf("printed\n%s\nwant\n%s", out.String(), tt.want)
			}
			if want := (counts{passed: 1, skipped: 1, failed: 1}); r.sum != want {
				t.Errorf("counted %v, want %v", r.sum, want)
			}
		})
	}
}

func TestReason(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"says why", []string{"    x_test.go:7: no server\n", "--- SKIP: TestX (0.00s)\n"}, "no server"},
		{"says nothing", []string{"--- SKIP: TestX (0.00s)\n"}, "no reason given"},
		{"the last thing said counts", []string{"    x_test.go:6: looking\n", "    x_test.go:7: not found\n"}, "not found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := reason(tt.lines); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseWork(t *testing.T) {
	got, err := parseWork([]byte(`{"Go":"1.26","Use":[{"DiskPath":"./fallback/redisstore"},{"DiskPath":"."},{"DiskPath":"./examples"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []module{{dir: "."}, {dir: "examples"}, {dir: "fallback/redisstore"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFuzzTargets(t *testing.T) {
	got := fuzzTargets("FuzzA\nFuzzB\nok  \texample.com/p\t0.004s\nok  \texample.com/q\t0.002s\n?   \texample.com/r\t[no test files]\nFuzzC\nok  \texample.com/s\t0.004s\n")
	want := []fuzzTarget{{"example.com/p", "FuzzA"}, {"example.com/p", "FuzzB"}, {"example.com/s", "FuzzC"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRealSleeps(t *testing.T) {
	for _, tt := range []struct {
		name string
		src  string
		want int
	}{
		{"a sleep on the real clock", "package p\nimport \"time\"\nfunc f() { time.Sleep(1) }", 1},
		{"a sleep handed on as a function", "package p\nimport \"time\"\nvar f = time.Sleep", 1},
		{"a file of synctest bubbles", "package p\nimport (\"testing/synctest\"; \"time\")\nvar _ = synctest.Wait\nfunc f() { time.Sleep(1) }", 0},
		{"another Sleep", "package p\nfunc f(c interface{ Sleep() }) { c.Sleep() }", 0},
		{"no Go at all", "gopher", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := realSleeps("p_test.go", []byte(tt.src)); len(got) != tt.want {
				t.Errorf("found %v, want %d", got, tt.want)
			}
		})
	}
}

func TestRun(t *testing.T) {
	ok := step{"vet", func() (string, error) { return "", nil }}
	note := step{"tests", func() (string, error) { return "3 passed", nil }}
	gap := step{"govulncheck", func() (string, error) { return "", leftOut("no network") }}
	bad := step{"gofmt", func() (string, error) { return "", errOf("x.go") }}
	if !run("make test", []step{ok, gap}) {
		t.Error("what is left out is no failure")
	}
	if run("make test", []step{bad, ok}) {
		t.Error("a failure must be one, whatever comes after it")
	}
	if !run("make test", []step{note}) {
		t.Error("a note is no failure")
	}
	got := summary("make test", []string{"vet", "tests (3 passed)"}, []string{"govulncheck (no network)"}, nil, 61*time.Second)
	if want := "make test: ok; passed: vet, tests (3 passed); left out: govulncheck (no network); 1m1s"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	got = summary("make test", []string{"vet"}, nil, []string{"gofmt"}, time.Second)
	if want := "make test: FAILED: gofmt; passed: vet; 1s"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

type errOf string // an error that is no gap

func (e errOf) Error() string { return string(e) }
