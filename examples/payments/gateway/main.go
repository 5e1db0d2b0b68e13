// Gateway is a payment gateway that misbehaves on purpose, for the program
// beside it to be tried on: some of its answers come late, some not at all,
// some are refusals, and some are lost after the charge was made.
//
//	go run ./examples/payments/gateway -ledger gateway.ledger
//
// What it does about money is right all the same. Each request has an
// Idempotency-Key, and there is one record for each key, for ever, in a file
// that survives a kill -9:
//
//	POST /charges        charge, or say again what became of the key
//	GET  /charges/{key}  what became of the key; 404 if nothing has
//	PUT  /voids/{key}    close the key: nothing can be charged under it from now on
//	GET  /ledger         all records, one a line
//
// The same key with another payload is answered 422, a charge under a key that
// was closed 409, one that the bank declines 402 (amounts that end in 66).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program. It returns its exit code: 2 for wrong flags, 1 if it
// could not do its work.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f faults
	fs := flag.NewFlagSet("gateway", flag.ContinueOnError)
	fs.SetOutput(stderr)
	listen := fs.String("listen", "127.0.0.1:8081", "the `address` to serve")
	path := fs.String("ledger", "gateway.ledger", "the `file` of the records")
	fs.Uint64Var(&f.seed, "seed", 1, "decides which requests meet which fault")
	fs.Float64Var(&f.share, "faults", 0.3, "the share of requests that meet one, from 0 to 1")
	leash := fs.Bool("leash", false, "end when standard input does, for a program that starts it and may be killed")
	fs.DurationVar(&f.slow, "slow", 5*time.Second, "how late the late answers are at most")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if fs.NArg() > 0 || f.share < 0 || f.share > 1 || f.slow < 0 {
		fmt.Fprintln(stderr, "gateway: -faults must be from 0 to 1, -slow not negative, and there are no arguments")
		return 2
	}
	if *leash {
		ctx = leashed(ctx, os.Stdin)
	}
	if err := serve(ctx, *listen, *path, &f, stdout); err != nil {
		fmt.Fprintln(stderr, "gateway:", err)
		return 1
	}
	return 0
}

// leashed returns a context that is over when stdin is.
func leashed(ctx context.Context, stdin io.Reader) context.Context {
	ctx, end := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // it ends, one way or another
		end()
	}()
	return ctx
}

// serve answers until ctx is over.
func serve(ctx context.Context, address, path string, f *faults, out io.Writer) error {
	l, err := openLedger(path)
	if err != nil {
		return err
	}
	defer l.close()
	f.start(l.len())

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	g := &gateway{ledger: l, faults: f}
	server := &http.Server{Handler: g.routes(), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Fprintf(out, "gateway: http://%s, %d records\n", listener.Addr(), l.len())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
