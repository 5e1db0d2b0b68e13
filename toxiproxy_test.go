package safetrip_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A toxiproxy is a running toxiproxy-server, a program of its own that proxies
// TCP and spoils connections on demand.
type toxiproxy struct {
	api    string // the address of its HTTP API
	client http.Client
	made   atomic.Int64 // proxies, to name them
}

// A toxic is what the proxy does to the bytes of one direction, in its own
// terms: milliseconds, KB/s, bytes.
type toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`
	Attributes map[string]int `json:"attributes"`
}

// The directions.
const (
	toServer = "upstream"
	toClient = "downstream"
)

// startToxiproxy starts one that ends with the test. Without one the test is
// skipped, or fails if CI is set.
func startToxiproxy(t *testing.T) *toxiproxy {
	t.Helper()
	program := os.Getenv("TOXIPROXY")
	if program == "" {
		program, _ = exec.LookPath("toxiproxy-server")
	}
	switch {
	case program == "" && os.Getenv("CI") == "true":
		t.Fatal("no toxiproxy: make deps builds it")
	case program == "":
		t.Skip("no toxiproxy: make deps builds it")
	}
	p := new(toxiproxy)
	p.client.Transport = &http.Transport{DisableKeepAlives: true} // nothing of it is left when a call has ended
	// Somebody else may take the port that was just found to be free.
	for range 5 {
		if p.start(t, program, freePort(t)) {
			return p
		}
	}
	t.Fatalf("%s does not start", program)
	return nil
}

// start reports whether the program came to listen on the port.
func (p *toxiproxy) start(t *testing.T, program, port string) bool {
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-host", "127.0.0.1", "-port", port)
	cmd.Env = append(os.Environ(), "LOG_LEVEL=error")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() { stop(); <-ended })
	p.api = "http://127.0.0.1:" + port
	for look := time.Tick(5 * time.Millisecond); ; {
		select {
		case <-ended:
			return false
		case <-look:
			if p.ask(t.Context(), http.MethodGet, "/version", nil, nil) == nil {
				return true
			}
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// ask calls the API: in is sent as JSON, and out is what comes back.
func (p *toxiproxy) ask(ctx context.Context, method, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, p.api+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("toxiproxy: %s %s: %s: %s", method, path, resp.Status, said)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(said, out)
}

// A proxy is a port that leads to a server.
type proxy struct {
	*toxiproxy
	path   string // in the API
	Listen string
}

// lead opens a port that leads to a server.
func (p *toxiproxy) lead(ctx context.Context, upstream string) (*proxy, error) {
	name := fmt.Sprint("proxy", p.made.Add(1))
	x := &proxy{toxiproxy: p, path: "/proxies/" + name}
	return x, p.ask(ctx, http.MethodPost, "/proxies",
		map[string]any{"name": name, "listen": "127.0.0.1:0", "upstream": upstream}, x)
}

// spoil adds toxics, to the connections that are open as well.
func (x *proxy) spoil(ctx context.Context, toxics ...toxic) error {
	for _, t := range toxics {
		if err := x.ask(ctx, http.MethodPost, x.path+"/toxics", t, nil); err != nil {
			return err
		}
	}
	return nil
}

// mend takes a toxic away.
func (x *proxy) mend(ctx context.Context, t toxic) error {
	return x.ask(ctx, http.MethodDelete, x.path+"/toxics/"+t.Type+"_"+t.Stream, nil, nil)
}

// enable opens the port again, or closes it and all of its connections.
func (x *proxy) enable(ctx context.Context, on bool) error {
	return x.ask(ctx, http.MethodPost, x.path, map[string]any{"enabled": on}, nil)
}

// dialer dials each address through a proxy of its own that has the toxics. It
// makes the proxies in ctx, not in that of whoever dials first.
func (p *toxiproxy) dialer(ctx context.Context, toxics ...toxic) func(context.Context, string, string) (net.Conn, error) {
	var mu sync.Mutex // guards proxies
	proxies := map[string]*proxy{}
	leading := func(addr string) (*proxy, error) {
		mu.Lock()
		defer mu.Unlock()
		if x := proxies[addr]; x != nil {
			return x, nil
		}
		x, err := p.lead(ctx, addr)
		if err == nil {
			err = x.spoil(ctx, toxics...)
		}
		if err == nil {
			proxies[addr] = x
		}
		return x, err
	}
	return func(dialing context.Context, network, addr string) (net.Conn, error) {
		x, err := leading(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(dialing, network, x.Listen)
	}
}
