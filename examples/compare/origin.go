package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// An origin is the service that is called over loopback. It is a process of
// its own, so that its processor time, memory and goroutines are not counted.
type origin struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer // the process ends with it
}

// startOrigin starts this program once more, as the service.
func startOrigin() (*origin, error) {
	cmd, err := child(context.Background(), "origin")
	if err != nil {
		return nil, err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the origin did not say where it listens: %w", err)
	}
	return &origin{strings.TrimSpace(line), cmd, stdin}, nil
}

func (o *origin) stop() {
	o.stdin.Close()
	_ = o.cmd.Wait() // it has nothing left to say
}

// serveOrigin listens on a free port, says where, and ends when its standard
// input does.
func serveOrigin() error {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	server := &http.Server{Handler: service(), ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // it ends, one way or another
		server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// service answers GET /, POST /upload, and /flaky with 503, 503, 200.
func service() http.Handler {
	page := []byte(strings.Repeat("x", 1<<10))
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Write(page)
	})
	mux.HandleFunc("/upload", func(w http.ResponseWriter, req *http.Request) {
		if n, err := io.Copy(io.Discard, req.Body); err != nil || n != req.ContentLength {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	var n atomic.Int64
	mux.HandleFunc("/flaky", func(w http.ResponseWriter, req *http.Request) {
		size, _ := strconv.Atoi(req.URL.Query().Get("size"))
		w.Header().Set("Content-Length", strconv.Itoa(size))
		if n.Add(1)%attempts != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		w.Write(make([]byte, size))
	})
	return mux
}

// newTransport returns a transport as a busy client would set it, which counts
// the connections it opens.
func newTransport(dials *atomic.Int64) *http.Transport {
	var d net.Dialer
	return &http.Transport{
		MaxIdleConns:        128,
		MaxIdleConnsPerHost: 128,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials.Add(1)
			return d.DialContext(ctx, network, addr)
		},
	}
}
