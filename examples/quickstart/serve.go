package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip"
)

// serve keeps the Agent's health page up until ctx is over.
func serve(ctx context.Context, agent *safetrip.Agent, out io.Writer) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/healthz", agent.Healthz())
	mux.Handle("/healthz/", agent.Healthz())
	mux.Handle("/livez", agent.Healthz())
	mux.Handle("/readyz", agent.Healthz())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })

	fmt.Fprintf(out, "\nhealth      http://%s/healthz   (interrupt to end)\n", l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
