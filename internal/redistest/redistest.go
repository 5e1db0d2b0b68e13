// Package redistest runs a real Redis for a test, which may kill it, stop it in
// its tracks, and start it again.
package redistest

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A Server is a redis-server on a free port of the loopback interface, with
// nothing on disk.
type Server struct {
	Addr string

	tb      testing.TB
	program string
	mu      sync.Mutex // guards cmd
	cmd     *exec.Cmd
}

// Start starts a Server that ends with the test. The program is named in REDIS
// or found on the PATH; without one the test is skipped, or fails if CI is set.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{tb: tb, program: find(), Addr: freeAddr(tb)}
	switch {
	case s.program == "" && os.Getenv("CI") == "true":
		tb.Fatal("no redis-server is there")
	case s.program == "":
		tb.Skip("no redis-server is there: make deps gets it")
	}
	tb.Cleanup(s.Kill)
	s.Restart()
	return s
}

func find() string {
	for _, name := range []string{os.Getenv("REDIS"), "redis-server"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
}

// freeAddr returns an address that nobody listens on, which is the test's if
// nobody else is quick: a Redis does not say which port it chose.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Restart starts the server again after Kill, as empty as it began.
func (s *Server) Restart() {
	s.tb.Helper()
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		s.tb.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(s.program, //nolint:noctx // it ends by Kill, which the test's Cleanup calls
		"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", s.tb.TempDir(),
		"--io-threads", "1", "--databases", "1", "--maxmemory", strconv.Itoa(256<<20), "--maxmemory-policy", "allkeys-lru")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	s.mu.Lock()
	s.cmd = cmd
	s.mu.Unlock()
	if !s.answers(10 * time.Second) {
		s.Kill()
		s.tb.Fatalf("%s does not answer:\n%s", s.program, said.String())
	}
}

// answers waits until the server answers a PING.
func (s *Server) answers(within time.Duration) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); <-tick.C {
		if ping(s.Addr) {
			return true
		}
	}
	return false
}

func ping(addr string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	pong := make([]byte, 5)
	_, err = conn.Write([]byte("PING\r\n"))
	if err == nil {
		_, err = conn.Read(pong)
	}
	return err == nil && string(pong) == "+PONG"
}

// Kill ends the server as a power cut does. What it held is gone.
func (s *Server) Kill() {
	s.mu.Lock()
	cmd := s.cmd
	s.cmd = nil
	s.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
