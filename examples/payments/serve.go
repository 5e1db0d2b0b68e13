package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// takeHTTP serves until ctx is over, or until the database fails. Requests and
// calls that are under way by then are ended first.
func (o options) takeHTTP(ctx context.Context, b *business, out io.Writer, log *slog.Logger) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.serve)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &http.Server{
		Handler:           routes(b.processor, b.agent.Healthz(), log),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	served := make(chan error, 1)
	go func() {
		served <- s.Serve(l)
		stop()
	}()
	fmt.Fprintf(out, "payments: http://%s/transactions, /review, /healthz\n", l.Addr())

	failed := b.processor.run(ctx)
	end, cancel := context.WithTimeout(context.Background(), 2*o.patience.call)
	defer cancel()
	failed = errors.Join(failed, s.Shutdown(end))
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		failed = errors.Join(failed, err)
	}
	return failed
}
