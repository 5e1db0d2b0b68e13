// Payments is a processor of financial transactions that loses none and charges
// none twice: not when the payment gateway fails, and not when either of the two
// is killed at any moment.
//
//	go run ./examples/payments                                    # a demonstration: the gateway is killed on the way
//	go run ./examples/payments/gateway                            # the gateway alone, and then one of
//	go run ./examples/payments -serve 127.0.0.1:8080              #   transactions over HTTP, a reviewers' queue, /healthz
//	go run ./examples/payments -file examples/payments/testdata/transactions.jsonl
//	go run ./examples/payments -reconcile                         #   compare with the gateway, to the cent
//	go run ./examples/payments -verify                            #   check the audit log
//
// To read it, begin with transaction.go, state.go and processor.go. The kit is
// used in settings.go and provider.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/safetrip-go/safetrip"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errNotRight is a check that did its work and found that something is wrong,
// which it printed.
var errNotRight = errors.New("not right")

// run is the program. It returns its exit code: 2 for wrong flags, 3 for a check
// that found something or transactions that need a reviewer, 1 if it could not
// do its work.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	switch err := o.run(ctx, stdout, log); {
	case errors.Is(err, errNotRight):
		return 3
	case err != nil:
		fmt.Fprintln(stderr, "payments:", err)
		return 1
	}
	return 0
}

func (o options) run(ctx context.Context, out io.Writer, log *slog.Logger) error {
	switch {
	case o.verify:
		return o.verifyLog(ctx, out)
	case o.serve == "" && o.file == "" && !o.reconcile:
		return o.demonstrate(ctx, out)
	}
	b, err := o.open(ctx, log)
	if err != nil {
		return err
	}
	defer b.close()
	if o.reconcile {
		equal, err := b.processor.reconcile(ctx, out)
		if err == nil && !equal {
			err = errNotRight
		}
		return err
	}
	if err := b.processor.recover(ctx); err != nil {
		return err
	}
	if o.file != "" {
		return o.takeFile(ctx, b, out)
	}
	return o.takeHTTP(ctx, b, out, log)
}

// A business is the parts put together.
type business struct {
	store     *store
	agent     *safetrip.Agent
	processor *processor
}

func (o options) open(ctx context.Context, log *slog.Logger) (*business, error) {
	return o.openWith(ctx, nil, log)
}

// openWith has another transport than the usual one below the kit.
func (o options) openWith(ctx context.Context, base http.RoundTripper, log *slog.Logger) (*business, error) {
	s, err := openStore(ctx, o.db)
	if err != nil {
		return nil, err
	}
	c := config(o.patience, newMonitor(s, filepath.Dir(o.db)), log)
	c.Base = base
	agent, err := safetrip.New("payments", c)
	if err != nil {
		s.close()
		return nil, err
	}
	return &business{s, agent, newProcessor(s, newProvider(agent.Client(), o.gateway), log, o.workers)}, nil
}

func (b *business) close() {
	b.agent.Close()
	b.store.close()
}

// verifyLog checks the audit log of a database that must be there already.
func (o options) verifyLog(ctx context.Context, out io.Writer) error {
	if _, err := os.Stat(o.db); err != nil {
		return err
	}
	s, err := connect(o.db)
	if err != nil {
		return err
	}
	defer s.close()
	holds, err := s.verify(ctx, o.anchor, out)
	if err == nil && !holds {
		err = errNotRight
	}
	return err
}

// takeFile takes in a file, sends what is in it, and says what came of it.
func (o options) takeFile(ctx context.Context, b *business, out io.Writer) error {
	file, err := os.Open(o.file)
	if err != nil {
		return err
	}
	defer file.Close()
	all, err := decodeLines(file)
	if err != nil {
		return err
	}
	_, known, err := b.processor.accept(ctx, all...)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d transactions accepted, %d known already\n", len(all)-known, known)
	if err := b.processor.drain(ctx); err != nil {
		return err
	}
	waiting, err := b.store.summary(ctx, out)
	if err == nil && waiting > 0 {
		err = errNotRight
	}
	return err
}
