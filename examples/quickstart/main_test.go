package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestTheKitAnswersWhatTheBareClientLoses(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-seed", "7"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	table := out.String()
	t.Log(table)
	rates := row(t, table, "success rate")
	if bare := rates[0]; bare < 45 || bare > 75 {
		t.Errorf("bare: %.1f %% answered; the load is meant for about 60 %%", bare)
	}
	if with := rates[1]; with != 100 {
		t.Errorf("with the kit: %.1f %% answered; want all", with)
	}
	for _, want := range []string{"closed → open", "open → half-open", "half-open → closed"} {
		if !strings.Contains(table, want) {
			t.Errorf("the circuit did not go %s", want)
		}
	}
	answered := row(t, table, "answered")[1]
	if sum := row(t, table, "whole, from the service")[1] + row(t, table, "from the cache")[1] + row(t, table, "made up")[1]; sum != answered {
		t.Errorf("%v answers by source; want the %v that were answered", sum, answered)
	}
	if retries := row(t, table, "of them retries")[1]; retries == 0 {
		t.Error("nothing was retried")
	}
}

// row returns the two figures in a row of the table.
func row(t *testing.T, table, name string) [2]float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(name) + ` +([\d.]+)(?: %)? +([\d.]+)`).FindStringSubmatch(table)
	if m == nil {
		t.Fatalf("the table has no row %q", name)
	}
	var v [2]float64
	for i := range v {
		var err error
		if v[i], err = strconv.ParseFloat(m[i+1], 64); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func TestWrongUseIsOneLineAndAnExitCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		use  string
		args []string
		code int
		says string
	}{
		{"a flag that is not there", []string{"-frobnicate"}, 2, "not defined"},
		{"an argument", []string{"http://example.com"}, 2, "unexpected argument"},
		{"no calls", []string{"-calls", "0"}, 2, "-calls"},
		{"a number that is none", []string{"-calls", "many"}, 2, "-calls"},
		{"too much at once", []string{"-concurrency", "100000"}, 2, "-concurrency"},
		{"no patience", []string{"-timeout", "0"}, 2, "-timeout"},
		{"a URL without a scheme", []string{"-url", "example.com"}, 2, "-url"},
		{"a URL where nobody listens", []string{"-url", closedPort(t)}, 1, "cannot be reached"},
	} {
		t.Run(tt.use, func(t *testing.T) {
			t.Parallel()
			var errs bytes.Buffer
			if code := run(t.Context(), tt.args, io.Discard, &errs); code != tt.code {
				t.Errorf("exit code %d; want %d", code, tt.code)
			}
			if s := errs.String(); !strings.Contains(s, tt.says) || strings.Count(s, "\n") != 1 {
				t.Errorf("it said %q; want one line with %q", s, tt.says)
			}
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestAnInterruptShowsNoTable(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var out, errs bytes.Buffer
	if code := run(ctx, nil, &out, &errs); code != 1 || strings.Contains(out.String(), "success rate") {
		t.Errorf("exit code %d, and it prints\n%s", code, out.String())
	}
}

func TestAServiceOfYourOwn(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "well") }))
	defer server.Close()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-url", server.URL + "/users/1", "-calls", "45"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if got := row(t, out.String(), "success rate"); got != [2]float64{100, 100} {
		t.Errorf("answered %v; want all", got)
	}
	if !strings.Contains(out.String(), "stayed closed") {
		t.Error("a good service's circuit did not stay closed")
	}
}

func TestServeKeepsTheHealthPageUp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "well") }))
	defer server.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	done := make(chan int)
	go func() {
		code := run(ctx, []string{"-url", server.URL, "-calls", "10", "-serve"}, pw, io.Discard)
		pw.Close()
		done <- code
	}()
	out := make([]byte, 0, 1<<16)
	address := regexp.MustCompile(`http://[\d.:]+/healthz`)
	for buf := make([]byte, 4096); ; {
		n, err := pr.Read(buf)
		out = append(out, buf[:n]...)
		if err != nil || strings.Contains(string(out), "interrupt to end") {
			break
		}
	}
	go io.Copy(io.Discard, pr)
	url := address.FindString(string(out))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "overall_status") {
		t.Errorf("%s said %q, %v", url, body, err)
	}
	interrupt()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d after an interrupt", code)
	}
}
