package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// With no address given it starts a Jaeger, and keeps it up for whoever wants
// to look.
func TestWithAJaegerOfItsOwn(t *testing.T) {
	t.Parallel()
	needJaeger(t)
	ctx, interrupt := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	var errs bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, nil, pw, &errs)
		pw.Close()
	}()
	out := readUntil(t, pr, "until you interrupt")
	t.Log(out)
	threeTraces(t, out)
	urls := regexp.MustCompile(`http://\S+/api/v3/traces/[0-9a-f]{32}`).FindAllString(out, -1)
	if len(urls) != 3 {
		t.Errorf("%d URLs of traces", len(urls))
	}
	for _, url := range urls {
		if status := statusOf(t, url); status != http.StatusOK {
			t.Errorf("%s answers %d", url, status)
		}
	}
	interrupt()
	if c := <-code; c != 0 {
		t.Errorf("exit code %d after an interrupt: %s", c, errs.String())
	}
	if status := statusOf(t, urls[0]); status != 0 {
		t.Errorf("its Jaeger still answers %d", status)
	}
}

func TestWithAJaegerThatRuns(t *testing.T) {
	t.Parallel()
	j := startJaeger(t)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-otlp", j.OTLP, "-query", j.URL}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	threeTraces(t, out.String())
	if n := strings.Count(out.String(), j.URL+"/trace/"); n != 3 {
		t.Errorf("%d links to the user interface", n)
	}
}

// threeTraces looks at what is drawn: each trace shows what it was chosen for.
func threeTraces(t *testing.T, out string) {
	t.Helper()
	parts := strings.SplitN(out, "\n\n", 4)
	if len(parts) < 3 {
		t.Fatalf("it drew\n%s", out)
	}
	for i, shows := range []string{
		`^retried: http\S+\nGET .*internal .* 200 attempts=\d source=origin( \+safetrip\.retry)+\n(.*\n)*.*resend_count=\d\n.*└─ GET .*server`,
		`^refused by an open circuit: http\S+\nGET .*internal .* 200 attempts=0 source=static .*circuit=open$`,
		`^answered from the cache: http\S+\nGET .*internal .* 200 attempts=\d source=cache step=cached level=degraded (.*\n)+.*client .*ERROR`,
	} {
		if !regexp.MustCompile(shows).MatchString(parts[i]) {
			t.Errorf("this does not match %s\n%s", shows, parts[i])
		}
	}
}

// readUntil reads what the program writes until it has written words.
func readUntil(t *testing.T, r io.Reader, words string) string {
	t.Helper()
	var out []byte
	for buf := make([]byte, 4096); !strings.Contains(string(out), words); {
		n, err := r.Read(buf)
		out = append(out, buf[:n]...)
		if err != nil {
			t.Fatalf("it ended with\n%s", out)
		}
	}
	return string(out)
}

// statusOf returns the status of a URL, 0 if nobody answers.
func statusOf(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := new(http.Client).Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestWrongUseIsOneLineAndAnExitCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		use  string
		args []string
		code int
		says string
	}{
		{"a flag that is not there", []string{"-frobnicate"}, 2, "not defined"},
		{"an argument", []string{"localhost:4318"}, 2, "unexpected argument"},
	} {
		t.Run(c.use, func(t *testing.T) {
			t.Parallel()
			var errs bytes.Buffer
			if code := run(t.Context(), c.args, io.Discard, &errs); code != c.code {
				t.Errorf("exit code %d; want %d", code, c.code)
			}
			if s := errs.String(); !strings.Contains(s, c.says) || strings.Count(s, "\n") != 1 {
				t.Errorf("it said %q; want one line with %q", s, c.says)
			}
		})
	}
}
