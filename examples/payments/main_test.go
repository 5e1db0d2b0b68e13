package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

func TestTheDemonstration(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if code := run(t.Context(), nil, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s\n%s", code, &errs, &out)
	}
	t.Logf("\n%s", &out)
	said := out.String()
	for _, want := range []string{
		`not reached: circuit_open`,
		`void inv-\d+: review, not voided: outcome unknown: `,
		`void inv-\d+: (voided, the customer has canceled|charged, ch_\d+|declined, insufficient funds|review, .*)\n`,
		`declined +\d+ +[\d.]+ EUR\n`,
		`audit: \d+ entries, unbroken; 60 transactions stand where they say\nanchor: \d+:[0-9a-f]{64}\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("it does not say %s", want)
		}
	}
	sides := regexp.MustCompile(`charged (?:t?here): +(.*)\n`).FindAllStringSubmatch(said, -1)
	if len(sides) != 2 || sides[0][1] != sides[1][1] || !strings.Contains(sides[0][1], " EUR, ") {
		t.Errorf("the two sides are %q", sides)
	}
}

func TestAGatewayThatDoesNotComeBackIsAnError(t *testing.T) {
	t.Parallel()
	gone := new(gateway)
	d := &demo{dir: t.TempDir(), gateway: gone} // without its program
	if err := d.start("127.0.0.1:0"); err == nil || d.gateway != gone {
		t.Errorf("the error is %v, and the gateway to be killed in the end is %p, want %p", err, d.gateway, gone)
	}
}

func TestAGatewayEndsWithTheProgramThatStartedIt(t *testing.T) {
	t.Parallel()
	_, ledger := files(t)
	g, err := startGateway(built(t).gateway, "-listen", "127.0.0.1:0", "-ledger", ledger)
	if err != nil {
		t.Fatal(err)
	}
	defer g.kill()
	g.leash.Close() // as it is when the program is killed
	if err := g.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// files are where one test's programs keep what they know.
func files(t *testing.T) (db, ledger string) {
	dir := t.TempDir()
	return filepath.Join(dir, "payments.db"), filepath.Join(dir, "ledger")
}

func TestAFileIsTaken(t *testing.T) {
	t.Parallel()
	db, ledger := files(t)
	g, err := startGateway(built(t).gateway, "-listen", "127.0.0.1:0", "-ledger", ledger, "-faults", "0")
	if err != nil {
		t.Fatal(err)
	}
	defer g.kill()
	args := []string{"-db", db, "-gateway", g.url}
	for _, tt := range []struct {
		what string
		args []string
		code int
		says string
	}{
		{"a file", []string{"-file", "testdata/transactions.jsonl"}, 0,
			"12 transactions accepted, 0 known already\n  charged    11   2228.62 EUR, 26634 JPY, 13.369 KWD\n  declined    1   339.66 EUR\n       1   insufficient funds\n"},
		{"the same file", []string{"-file", "testdata/transactions.jsonl"}, 0, "0 transactions accepted, 12 known already\n"},
		{"a file of faults", []string{"-file", "testdata/faults.jsonl"}, 1, faultsSaid},
		{"the sums", []string{"-reconcile"}, 0,
			"charged here:     11, 2228.62 EUR, 26634 JPY, 13.369 KWD\ncharged there:    11, 2228.62 EUR, 26634 JPY, 13.369 KWD\n"},
		{"the log", []string{"-verify"}, 0, "audit: 36 entries, unbroken; 12 transactions stand where they say\nanchor: 36:"},
	} {
		var out, errs bytes.Buffer
		code, said := run(t.Context(), append(tt.args, args...), &out, &errs), &out
		if code != 0 {
			said = &errs
		}
		if code != tt.code || !strings.HasPrefix(said.String(), tt.says) {
			t.Errorf("%s: exit code %d, it says\n%swant %d and\n%s", tt.what, code, said, tt.code, tt.says)
		}
	}
	if info, err := os.Stat(db); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the database, which has whole account numbers, is %v, %v", info.Mode(), err)
	}
}

const faultsSaid = `payments: nothing was accepted:
  line 2: "ammount" is no field of a transaction; amount must be from 1 to 100000000 minor units
  line 3: amount must be a whole number of minor units, without quotes; from is no IBAN: its check digits do not fit, so one character or more is wrong; currency must be one of CHF, EUR, GBP, JPY, KWD, USD
  line 4: id is that of line 1 already
`

func TestASideThatDiffersIsSeen(t *testing.T) {
	t.Parallel()
	one := rent()
	mine, less := paid(one), paid(one)
	less.Amount--
	for _, tt := range []struct {
		report string
		lines  []receipt
		says   string
	}{
		{"has it", []receipt{mine}, "charged here:      1, 950.00 EUR\ncharged there:     1, 950.00 EUR\n"},
		{"lacks it", nil, "charged there:     0, -\ndifference: rent-11 is charged here and unknown there\n"},
		{"has it twice", []receipt{mine, mine}, "difference: key pay_83fa42a189ad9794a82a4019f65f085e is there twice\n"},
		{"has another amount", []receipt{less}, "charged there:     1, 949.99 EUR\ndifference: rent-11 is 950.00 EUR as ch_1 here, 94999 \"EUR\" as ch_1 there\n"},
		{"has it void", []receipt{{Key: one.key(), Status: "voided"}}, "difference: rent-11 is charged here and voided there\n"},
		{"has one more", []receipt{mine, {Key: "pay_x", Status: "charged", Amount: 1, Currency: "EUR"}},
			"charged there:     2, 950.01 EUR\ndifference: key pay_x is charged there and unknown here\n"},
	} {
		t.Run(tt.report, func(t *testing.T) {
			t.Parallel()
			b := newBusiness(t, &script{lines: []line{says(201, mine), reports(tt.lines)}}, nil)
			b.take(t, one)
			var out bytes.Buffer
			equal, err := b.processor.reconcile(t.Context(), &out)
			if err != nil || equal == strings.Contains(tt.says, "difference") || !strings.Contains(out.String(), tt.says) {
				t.Errorf("equal: %t, %v; it says\n%swant\n%s", equal, err, &out, tt.says)
			}
		})
	}
}

// reports answers with a settlement report.
func reports(lines []receipt) line {
	return func(*http.Request) (*http.Response, error) {
		var text bytes.Buffer
		for _, one := range lines {
			_ = json.NewEncoder(&text).Encode(one)
		}
		return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(&text)}, nil
	}
}

func TestWrongUseIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct {
		use  string
		args []string
		code int
		says string
	}{
		{"a flag that is not there", []string{"-frobnicate"}, 2, "not defined"},
		{"an argument", []string{"now"}, 2, "unexpected argument"},
		{"two things at once", []string{"-verify", "-reconcile"}, 2, "only one of"},
		{"no workers", []string{"-workers", "0"}, 2, "-workers"},
		{"no patience", []string{"-attempt", "0"}, 2, "-attempt"},
		{"a gateway without a scheme", []string{"-gateway", "localhost:8081"}, 2, "-gateway"},
		{"a gateway with a password", []string{"-gateway", "http://me:secret@localhost"}, 2, "-gateway must be"},
		{"an anchor that is none", []string{"-verify", "-anchor", "17"}, 2, "NUMBER:HASH"},
		{"a database that is not there", []string{"-verify", "-db", filepath.Join(dir, "none.db")}, 1, "none.db"},
		{"a file that is not there", []string{"-file", filepath.Join(dir, "none"), "-db", filepath.Join(dir, "a.db")}, 1, "none"},
		{"an address that is none", []string{"-serve", "nowhere", "-db", filepath.Join(dir, "b.db")}, 1, "nowhere"},
	} {
		t.Run(tt.use, func(t *testing.T) {
			t.Parallel()
			var errs bytes.Buffer
			if code := run(t.Context(), tt.args, io.Discard, &errs); code != tt.code || !strings.Contains(errs.String(), tt.says) || strings.Contains(errs.String(), "secret") {
				t.Errorf("exit code %d, %s; want %d with %s", code, &errs, tt.code, tt.says)
			}
		})
	}
}

func TestServedUntilInterrupted(t *testing.T) {
	t.Parallel()
	db, ledger := files(t)
	g, err := startGateway(built(t).gateway, "-listen", "127.0.0.1:0", "-ledger", ledger, "-faults", "0")
	if err != nil {
		t.Fatal(err)
	}
	defer g.kill()
	ctx, interrupt := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"-serve", "127.0.0.1:0", "-db", db, "-gateway", g.url}, w, io.Discard)
		w.Close()
	}()
	text := make([]byte, 200)
	n, err := r.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, r)
	address := regexp.MustCompile(`http://[\d.:]+`).FindString(string(text[:n]))
	resp, err := http.Post(address+"/transactions", "application/json", bytes.NewReader(rent().payload()))
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("answered %v, %v", resp, err)
	}
	resp.Body.Close()
	interrupt()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d after an interrupt", code)
	}
	s, err := connect(db)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if one, err := s.find(t.Context(), "rent-11"); err != nil || one.state != charged && one.state != queued {
		t.Errorf("what was accepted is %v, %v", one.state, err)
	}
}

// A kill -9 does not show it, a power cut would: what is accepted must be on the
// disk, not in the system's memory.
func TestTheDatabaseWritesThrough(t *testing.T) {
	t.Parallel()
	b := newBusiness(t, &script{lines: []line{resets}}, nil)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000"} {
		var got string
		if err := b.store.db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
		}
	}
}
