package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// drainTime is what requests that are under way have at the end.
const drainTime = 10 * time.Second

// serve runs the gateway until ctx is over and what was under way has ended.
func serve(ctx context.Context, o options, log *slog.Logger, stdout io.Writer) error {
	up, err := newUpstream(o, log)
	if err != nil {
		return err
	}
	defer up.Close()
	public, err := listen(ctx, "-listen", o.listen)
	if err != nil {
		return err
	}
	defer public.Close()
	var draining atomic.Bool
	line := fmt.Sprintf("gateway http://%s → %s, cache %s", public.Addr(), o.upstream, o.cache)
	if o.admin != "" {
		admin, err := listen(ctx, "-admin", o.admin)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: health(up.Healthz(), &draining), ReadHeaderTimeout: 5 * time.Second}
		defer server.Close()
		go server.Serve(admin) //nolint:errcheck // it ends by Close
		line += fmt.Sprintf(", health http://%s/healthz", admin.Addr())
	}
	g := newGateway(proxy(o, up.Transport(), log), log)
	ended := make(chan error, 1)
	go func() { ended <- g.server.Serve(public) }()
	fmt.Fprintln(stdout, line)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	draining.Store(true)
	log.Info("draining", "at_most", drainTime)
	return g.drain()
}

func listen(ctx context.Context, name, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// health is the Agent's, but for readiness at the end: who sends requests here
// shall look for another gateway.
func health(agent http.Handler, draining *atomic.Bool) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/healthz/", "/livez", "/livez/", "/readyz", "/readyz/"} {
		mux.Handle(path, agent)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining.Load() && r.URL.Path == "/readyz" {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// A gateway is a server that knows of its requests when they have taken over
// their connection, too: http.Server does not.
type gateway struct {
	server *http.Server
	end    context.CancelCauseFunc // of all requests

	mu    sync.Mutex // guards the rest
	under int        // way
	idle  chan struct{}
}

var errEnding = errors.New("the gateway is ending")

func newGateway(h http.Handler, log *slog.Logger) *gateway {
	base, end := context.WithCancelCause(context.Background())
	g := &gateway{end: end, idle: make(chan struct{})}
	g.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g.count(1)
			defer g.count(-1)
			h.ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return g
}

func (g *gateway) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.under += n; g.under == 0 {
		close(g.idle)
		g.idle = make(chan struct{})
	}
}

// drain lets requests under way end, and ends those that do not.
func (g *gateway) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := g.server.Shutdown(ctx)
	g.mu.Lock()
	idle, under := g.idle, g.under
	g.mu.Unlock()
	if under > 0 { // they have their connection to themselves
		select {
		case <-idle:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	g.end(errEnding)
	if err != nil {
		return errors.Join(fmt.Errorf("what was under way did not end within %v: %w", drainTime, err), g.server.Close())
	}
	return nil
}
