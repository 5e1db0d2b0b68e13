// Package jaeger starts a real Jaeger, and reads traces back from one.
package jaeger

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// Find returns the path of a Jaeger v2 program, or "": the one that the
// environment variable JAEGER names, one on the PATH, or the one that `make
// deps` built.
func Find() string {
	if path := os.Getenv("JAEGER"); path != "" {
		return path
	}
	if path, err := exec.LookPath("jaeger"); err == nil {
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	built, _ := filepath.Glob(filepath.Join(cache, "safetrip", "tools", "*", "jaeger*"))
	for _, path := range built {
		if name := filepath.Base(path); name == "jaeger" || name == "jaeger.exe" {
			return path
		}
	}
	return ""
}

// A Server is a Jaeger of our own: in memory, on free ports of the loopback
// interface.
type Server struct {
	Client        // of its query API
	OTLP   string // host:port that takes OTLP over HTTP

	stop func()        // asks it to end
	done chan struct{} // closed when it has
	said bytes.Buffer  // may be read once done is closed
}

// Start starts the Jaeger at path and waits until it is ready. It runs until
// Close, or until ctx is over.
func Start(ctx context.Context, path string) (s *Server, err error) {
	for range 3 { // a port that is free now may be taken a moment later
		if s, err = start(ctx, path); err == nil || ctx.Err() != nil {
			break
		}
	}
	return s, err
}

//go:embed config.yaml
var configText string

// config is how Jaeger is told its ports.
var config = template.Must(template.New("config").Parse(configText))

func start(ctx context.Context, path string) (*Server, error) {
	ports, err := freePorts(ctx, 4)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := config.Execute(&text, map[string]string{"OTLP": ports[0], "Query": ports[1], "GRPC": ports[2], "Health": ports[3]}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &Server{Client: Client{URL: "http://" + ports[1]}, OTLP: ports[0], stop: cancel, done: make(chan struct{})}
	cmd := exec.CommandContext(ctx, path, "--config=yaml:"+text.String())
	cmd.Stdout, cmd.Stderr = &s.said, &s.said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	go func() { // until the process ends
		defer close(s.done)
		_ = cmd.Wait()
	}()
	if err := s.awaitReady(ctx, "http://"+ports[3]+"/status"); err != nil {
		s.Close()
		return nil, fmt.Errorf("%w\n%s", err, s.said.String())
	}
	return s, nil
}

// awaitReady asks the health endpoint until it says yes.
func (s *Server) awaitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ask := time.NewTicker(20 * time.Millisecond)
	defer ask.Stop()
	for {
		select {
		case <-ask.C:
		case <-s.done:
			return errors.New("jaeger: it ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("jaeger: not ready: %w", ctx.Err())
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
}

// Close ends the server and waits for it.
func (s *Server) Close() {
	s.stop()
	<-s.done
}

// freePorts returns addresses on the loopback interface that nobody listens on.
func freePorts(ctx context.Context, n int) (addresses []string, err error) {
	var held []net.Listener // until the last is had, or one may be given twice
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		held = append(held, l)
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}
