package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

func TestWrongUseIsOneLineAndAnExitCode(t *testing.T) {
	for _, tt := range []struct {
		use  string
		args string
		code int
		says string
	}{
		{"a flag that is not there", "-frobnicate", 2, "not defined"},
		{"an argument", "http://example.com", 2, "unexpected argument"},
		{"no upstream", "", 2, "-upstream"},
		{"an upstream without a scheme", "-upstream example.com", 2, "-upstream"},
		{"an upstream with a password", "-upstream http://u:p@example.com", 2, "-upstream"},
		{"a cache that nobody knows", "-upstream http://a -cache on", 2, "-cache"},
		{"too many retries", "-upstream http://a -retries 11", 2, "-retries"},
		{"a timeout before it begins", "-upstream http://a -timeout -1s", 2, "-timeout"},
		{"Redis without a secret", "-upstream http://a -redis b:1", 2, "GATEWAY_SECRET"},
		{"Redis without a cache", "-upstream http://a -redis b:1 -cache off", 2, "-redis"},
		{"an address that is not ours", "-upstream http://a -listen 192.0.2.1:80", 1, "-listen"},
		{"a health address that is not ours", "-upstream http://a -listen 127.0.0.1:0 -admin 192.0.2.1:80", 1, "-admin"},
	} {
		t.Run(tt.use, func(t *testing.T) {
			t.Setenv("GATEWAY_SECRET", "")
			var errs bytes.Buffer
			if code := run(t.Context(), strings.Fields(tt.args), io.Discard, &errs); code != tt.code {
				t.Errorf("exit code %d; want %d", code, tt.code)
			}
			if s := errs.String(); !strings.Contains(s, tt.says) || strings.Count(s, "\n") != 1 {
				t.Errorf("it said %q; want one line with %q", s, tt.says)
			}
		})
	}
	t.Run("secrets", func(t *testing.T) {
		for secret, says := range map[string]string{
			"short":                       "32 characters",
			strings.Repeat("s", 32) + ",": "32 characters",
			strings.Repeat(strings.Repeat("s", 32)+",", 6): "5 secrets",
		} {
			t.Setenv("GATEWAY_SECRET", secret)
			var errs bytes.Buffer
			if code := run(t.Context(), []string{"-upstream", "http://a", "-redis", "b:1"}, io.Discard, &errs); code != 2 || !strings.Contains(errs.String(), says) || strings.Contains(errs.String(), "sss") {
				t.Errorf("%q: %d, %q", secret, code, errs.String())
			}
		}
	})
}

func TestHealth(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	o.does(says("200 one"))
	p := start(t, o.URL)
	for path, want := range map[string]string{"/healthz": "overall_status", "/livez": "", "/other": "404"} {
		if resp, body := send(t, client(t), p.Health, "GET "+path); !strings.Contains(body, want) || path == "/livez" && resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %q", path, resp.StatusCode, body)
		}
	}
	if resp, _ := send(t, client(t), p.URL, "GET /healthz"); resp.StatusCode != 200 || o.calls() != 1 {
		t.Error("a path of that name on the public address is not the upstream's")
	}
}

func TestWhatIsUnderWayEndsBeforeTheProgramDoes(t *testing.T) {
	t.Parallel()
	begun, release := make(chan bool), make(chan bool)
	o := newOrigin(t)
	o.does(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "echo")
			w.WriteHeader(http.StatusSwitchingProtocols)
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer conn.Close()
			line, _ := rw.ReadString('\n')
			io.WriteString(conn, line)
			return
		}
		begun <- true
		<-release
		io.WriteString(w, "whole")
	})
	p := start(t, o.URL)
	upgraded, r := dial(t, p.URL)
	fmt.Fprint(upgraded, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", resp, err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, body := send(t, client(t), p.URL, "GET /slow"); body != "whole" {
			t.Errorf("got %q", body)
		}
	})
	<-begun
	p.stop()
	ready := ""
	for ready != "draining\n" { // it says so at once, or a moment later
		_, ready = send(t, client(t), p.Health, "GET /readyz")
	}
	select {
	case code := <-p.done:
		t.Fatalf("it ended with %d and a request under way", code)
	default:
	}
	close(release)
	wg.Wait()
	fmt.Fprint(upgraded, "still here\n")
	if line, err := r.ReadString('\n'); line != "still here\n" {
		t.Errorf("the upgraded connection: %q, %v", line, err)
	}
	upgraded.Close()
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.says)
	}
}

// TestMain makes the test's own program the gateway where a test asks for a
// process of it: it need not be built again.
func TestMain(m *testing.M) {
	if os.Getenv("GATEWAY_PROCESS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A process is the program on its own.
type process struct {
	URL, Health string

	cmd  *exec.Cmd
	says *bytes.Buffer // may be read when it has ended
	wait func() error
}

// spawn runs the program until the test ends.
func spawn(tb testing.TB, upstream string, args ...string) *process {
	tb.Helper()
	p := &process{says: new(bytes.Buffer)}
	args = append([]string{"-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-upstream", upstream}, args...)
	p.cmd = exec.CommandContext(context.Background(), os.Args[0], args...)
	p.cmd.Env = append(os.Environ(), "GATEWAY_PROCESS=1", "GATEWAY_SECRET="+strings.Repeat("secret", 6))
	p.cmd.Stderr = p.says
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p.wait = sync.OnceValue(p.cmd.Wait)
	tb.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatalf("%v: %v: %s", err, p.wait(), p.says)
	}
	all := address.FindAllString(line, -1)
	p.URL, p.Health = all[0], all[len(all)-1]
	return p
}
