// Gateway is a reverse proxy whose transport is an Agent's: what its upstream
// answered stands in when the upstream fails, or answers without asking while
// it is fresh.
//
//	go run ./examples/gateway -listen 127.0.0.1:8080 -upstream http://127.0.0.1:9000
//	go run ./examples/gateway ... -cache fresh -retries 2 -timeout 5s -admin 127.0.0.1:8081
//	GATEWAY_SECRET=$(openssl rand -hex 32) go run ./examples/gateway ... -redis 127.0.0.1:6379
//
// The proxy is the standard library's. All that is special is in agent.go, and
// the one line of proxy.go that names a Transport.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program. It returns its exit code: 2 for wrong flags, 1 if it
// could not do its work.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, os.Getenv("GATEWAY_SECRET"), stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := serve(ctx, o, slog.New(slog.NewTextHandler(stderr, nil)), stdout); err != nil {
		fmt.Fprintln(stderr, "gateway:", err)
		return 1
	}
	return 0
}
