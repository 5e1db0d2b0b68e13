package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const order = `{"id":"rent-11","from":"DE89370400440532013000","to":"GB29NWBK60161331926819","amount":95000,"currency":"EUR"}`

// good returns a gateway without faults, and its ledger's file.
func good(t *testing.T) (http.Handler, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	return reopened(t, path), path
}

// reopened returns a gateway on a ledger that is there.
func reopened(t *testing.T, path string) http.Handler {
	t.Helper()
	l, err := openLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	f := new(faults)
	f.start(0)
	return (&gateway{l, f}).routes()
}

func ask(h http.Handler, method, path, key, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOneKeyIsOneAnswer(t *testing.T) {
	t.Parallel()
	h, path := good(t)
	const charge = `{"key":"k","status":"charged","charge":"ch_000001","id":"rent-11","amount":95000,"currency":"EUR"}`
	for _, tt := range []struct {
		what              string
		method, path, key string
		body              string
		status            int
		says              string
	}{
		{"a charge", "POST", "/charges", "k", order, 201, charge},
		{"the same again", "POST", "/charges", "k", order, 201, charge},
		{"the key with another payload", "POST", "/charges", "k", strings.Replace(order, "95000", "1", 1), 422, `{"error":"the Idempotency-Key belongs to another payload"}`},
		{"what became of it", "GET", "/charges/k", "", "", 200, charge},
		{"a void of it: it is charged", "PUT", "/voids/k", "", "", 200, charge},
		{"another key", "POST", "/charges", "l", strings.Replace(order, "95000", "66", 1), 402, `{"key":"l","status":"declined","reason":"insufficient funds","id":"rent-11","amount":66,"currency":"EUR"}`},
		{"what became of nothing", "GET", "/charges/m", "", "", 404, `{"error":"nothing is known of this key"}`},
		{"a void of nothing", "PUT", "/voids/m", "", "", 200, `{"key":"m","status":"voided"}`},
		{"a charge that comes after the void", "POST", "/charges", "m", order, 409, `{"key":"m","status":"voided"}`},
		{"a charge without a key", "POST", "/charges", "", order, 400, `{"error":"an Idempotency-Key of up to 255 characters is required"}`},
		{"a charge of nothing", "POST", "/charges", "n", `{"amount":0,"currency":"EUR"}`, 400, `{"error":"this is no charge"}`},
	} {
		if w := ask(h, tt.method, tt.path, tt.key, tt.body); w.Code != tt.status || w.Body.String() != tt.says {
			t.Errorf("%s: %d %s; want %d %s", tt.what, w.Code, w.Body, tt.status, tt.says)
		}
	}
	if w := ask(reopened(t, path), "POST", "/charges", "k", order); w.Code != 201 || w.Body.String() != charge {
		t.Errorf("after a restart: %d %s", w.Code, w.Body)
	}
	if text, err := os.ReadFile(path); err != nil || strings.Count(string(text), "\n") != 3 || strings.Contains(string(text), "3704004405") {
		t.Errorf("the ledger has %s, %v", text, err)
	}
}

func TestHalfALineIsCutOff(t *testing.T) {
	t.Parallel()
	h, path := good(t)
	ask(h, "POST", "/charges", "k", order)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, `{"key":"l","status":"char`)
	f.Close()

	h = reopened(t, path)
	if w := ask(h, "GET", "/charges/l", "", ""); w.Code != 404 {
		t.Errorf("half a charge is %s", w.Body)
	}
	if w := ask(h, "POST", "/charges", "l", order); !strings.Contains(w.Body.String(), "ch_000002") {
		t.Errorf("the charge after it is %s", w.Body)
	}
	if w := ask(reopened(t, path), "GET", "/ledger", "", ""); strings.Count(w.Body.String(), "\n") != 2 {
		t.Errorf("the ledger has %s", w.Body)
	}
	if err := os.WriteFile(path, []byte("nonsense\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openLedger(path); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a ledger that is broken elsewhere: %v", err)
	}
}

// What each fault looks like to a caller, and whether it was charged.
func TestTheFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault   fault
		sees    string
		charged bool
	}{
		{none, "201", true},
		{unavailable, "503, again in 1", false},
		{throttled, "429, again in 1", false},
		{failed, "500", false},
		{reset, "reset", false},
		{slow, "201", true},
		{failedAfter, "500", true},
		{resetAfter, "reset", true},
		{cutAfter, "201, cut", true},
	} {
		t.Run(fmt.Sprint(tt.fault, " ", tt.sees), func(t *testing.T) {
			t.Parallel()
			l, err := openLedger(filepath.Join(t.TempDir(), "ledger"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			server := httptest.NewServer((&gateway{l, only(tt.fault)}).routes())
			defer server.Close()
			if got := look(t, server.URL); got != tt.sees {
				t.Errorf("the caller sees %s; want %s", got, tt.sees)
			}
			if _, ok := l.find("k"); ok != tt.charged {
				t.Errorf("charged: %t; want %t", ok, tt.charged)
			}
		})
	}
}

// only returns faults of which the first is the one that is wanted.
func only(want fault) *faults {
	for seed := uint64(0); ; seed++ {
		f := &faults{seed: seed, share: 1, slow: time.Millisecond}
		if want == none {
			f.share = 0
		}
		f.start(0)
		if got, _ := f.next(); got == want {
			f.start(0)
			return f
		}
	}
}

// look makes a charge and tells what a caller sees of it.
func look(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/charges", strings.NewReader(order))
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody = nil // net/http would send it again by itself, for it has a key
	req.Header.Set("Idempotency-Key", "k")
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) {
		return "reset"
	}
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	sees := fmt.Sprint(resp.StatusCode)
	if after := resp.Header.Get("Retry-After"); after != "" {
		sees += ", again in " + after
	}
	if _, err := io.Copy(io.Discard, resp.Body); errors.Is(err, io.ErrUnexpectedEOF) {
		sees += ", cut"
	}
	return sees
}

func TestTheSameSeedIsTheSameStory(t *testing.T) {
	t.Parallel()
	story := func(seed uint64, life int) string {
		f := &faults{seed: seed, share: 0.5, slow: time.Second}
		f.start(life)
		var all []string
		for range 50 {
			fault, late := f.next()
			all = append(all, fmt.Sprint(fault, late))
		}
		return strings.Join(all, " ")
	}
	first := story(7, 0)
	if again := story(7, 0); again != first {
		t.Error("two runs of a seed differ")
	}
	if first == story(8, 0) || first == story(7, 1) {
		t.Error("two seeds, or two lives, are alike")
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-faults", "2"}, {"-slow", "-1s"}, {"x"}, {"-x"}} {
		if code := run(t.Context(), args, io.Discard, io.Discard); code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"-ledger", t.TempDir()}, io.Discard, &errs); code != 1 || errs.Len() == 0 {
		t.Errorf("a ledger that is a folder: exit code %d, %s", code, &errs)
	}
}
