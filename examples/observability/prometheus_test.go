package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// find returns the path of a program of Prometheus: beside the one that the
// environment variable PROMETHEUS names, on the PATH, or where `make deps` put
// it. Without one the test is skipped.
func find(t *testing.T, program string) string {
	t.Helper()
	var places []string
	if path := os.Getenv("PROMETHEUS"); path != "" {
		places = append(places, filepath.Join(filepath.Dir(path), program))
	}
	if path, err := exec.LookPath(program); err == nil {
		places = append(places, path)
	}
	if cache, err := os.UserCacheDir(); err == nil {
		places = append(places, filepath.Join(cache, "safetrip", "prometheus", "usr", "bin", program))
	}
	for _, path := range places {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no " + program)
	}
	t.Skip("there is no " + program + "; make deps gets it")
	return ""
}

// promtool runs promtool in this folder.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), find(t, "promtool"), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// A server is a real Prometheus, which scrapes a target and evaluates the
// alerts of this folder all the time.
type server struct {
	t   *testing.T
	url string
}

const settings = `
global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s}
rule_files: [%s]
scrape_configs:
  - job_name: test
    static_configs: [{targets: [%s]}]
`

// startPrometheus returns when it is ready; the test's end ends it.
func startPrometheus(t *testing.T, target string) *server {
	t.Helper()
	path := find(t, "prometheus")
	rules, err := filepath.Abs("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, settings, rules, target), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a port that is free now may be taken a moment later
		address := freePort(t)
		var said bytes.Buffer
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		cmd := exec.CommandContext(ctx, path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
			"--web.listen-address="+address, "--enable-feature=exemplar-storage", "--log.level=warn")
		cmd.Stdout, cmd.Stderr = &said, &said
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.WaitDelay = 5 * time.Second
		if err := cmd.Start(); err != nil {
			stop()
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { // until the process ends
			defer close(ended)
			_ = cmd.Wait()
		}()
		s := &server{t, "http://" + address}
		if err = s.awaitReady(ended); err == nil {
			t.Cleanup(func() {
				stop()
				<-ended
			})
			return s
		}
		stop()
		<-ended
		t.Logf("Prometheus: %v\n%s", err, said.String())
	}
	t.Fatal("Prometheus does not start")
	return nil
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *server) awaitReady(ended <-chan struct{}) error {
	for deadline := time.Now().Add(aWhile); time.Now().Before(deadline); {
		select {
		case <-ended:
			return errors.New("it ended before it was ready")
		case <-time.After(20 * time.Millisecond):
		}
		if s.ask("/-/ready", nil, nil) == nil {
			return nil
		}
	}
	return errors.New("it is not ready")
}

// ask reads from the HTTP API. If into is not nil, it gets the data of the
// answer.
func (s *server) ask(path string, query url.Values, into any) error {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := new(http.Client).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	}
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return errors.New(answer.Error)
	}
	return json.Unmarshal(answer.Data, into)
}

// scraped waits until everything that is so now has been scraped.
func (s *server) scraped() {
	s.t.Helper()
	now := time.Now()
	eventually(s.t, "Prometheus scrapes", func() bool {
		last := s.query(`max(timestamp(safetrip_call_active))`)
		return len(last) == 1 && last[0].value() > float64(now.UnixMilli())/1000
	})
}

// A sample is a series and its value now.
type sample struct {
	Metric map[string]string
	Value  [2]any // time, and the value as text
}

func (s sample) value() float64 {
	text, _ := s.Value[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// query returns what an expression is now.
func (s *server) query(expr string) []sample {
	s.t.Helper()
	var data struct{ Result []sample }
	if err := s.ask("/api/v1/query", url.Values{"query": {expr}}, &data); err != nil {
		s.t.Errorf("%s: %v", expr, err)
	}
	return data.Result
}

// table returns what an expression is now, by the values of labels.
func (s *server) table(expr string, labels ...string) map[string]int {
	s.t.Helper()
	all := map[string]int{}
	for _, sample := range s.query(expr) {
		var key []string
		for _, l := range labels {
			key = append(key, sample.Metric[l])
		}
		v := sample.value()
		if v != math.Trunc(v) {
			s.t.Errorf("%s: %v is no count", expr, v)
		}
		all[strings.TrimSpace(strings.Join(key, " "))] += int(v)
	}
	return all
}

// active returns the names of the alerts whose condition holds.
func (s *server) active() (names, broken []string) {
	s.t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, State, Health, LastError string }
		}
	}
	if err := s.ask("/api/v1/rules", nil, &data); err != nil && s.t.Context().Err() == nil {
		s.t.Error(err)
	}
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			if r.State == "pending" || r.State == "firing" {
				names = append(names, r.Name)
			}
			if r.Health == "err" {
				broken = append(broken, r.Name+": "+r.LastError)
			}
		}
	}
	slices.Sort(names)
	return names, broken
}
