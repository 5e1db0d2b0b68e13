package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// The demonstration: sixty transactions, and a gateway that is killed when it
// has settled twenty of them.
const (
	demoTransactions = 60
	demoKillAfter    = 20
)

// demonstrate shows it all in a folder that is gone afterwards.
func (o options) demonstrate(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "payments")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "gateway.exe")
	if err := buildGateway(ctx, program); err != nil {
		return err
	}
	start := func(address string) (*gateway, error) {
		return startGateway(program, "-listen", address, "-ledger", filepath.Join(dir, "ledger"),
			"-seed", strconv.FormatUint(o.seed, 10), "-slow", "1s")
	}
	g, err := start("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { g.kill() }()

	o.db, o.gateway = filepath.Join(dir, "payments.db"), g.url
	o.patience = patience{attempt: 500 * time.Millisecond, call: 4 * time.Second, backoff: 50 * time.Millisecond, openFor: time.Second}
	b, err := o.open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer b.close()

	fmt.Fprintf(out, "%d transactions; the gateway fails at every third request, and is killed (-9) on the way\n", demoTransactions)
	if _, _, err := b.processor.accept(ctx, sample(demoTransactions)...); err != nil {
		return err
	}
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		b.waitFor(ctx, demoKillAfter)
		g.kill()
	}()
	if err := b.processor.drain(ctx); err != nil {
		return err
	}
	<-killed
	if _, err := b.store.summary(ctx, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "\na reviewer wants two of them void, but the gateway, which alone knows, cannot be asked")
	unwanted, err := b.store.list(ctx, review, 2)
	if err != nil {
		return err
	}
	for _, r := range unwanted {
		if err := b.void(ctx, r.ID, out); err != nil {
			return err
		}
	}
	if g, err = start(g.address()); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nthe gateway is back; these are void now, or turn out to be charged; the others are sent again")
	for _, r := range unwanted {
		<-time.After(2 * o.patience.openFor) // until the circuit lets a probe pass
		if err := b.void(ctx, r.ID, out); err != nil {
			return err
		}
	}
	if err := b.resendAll(ctx); err != nil {
		return err
	}
	if _, err := b.store.summary(ctx, out); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if equal, err := b.processor.reconcile(ctx, out); err != nil || !equal {
		return notRight(err)
	}
	holds, err := b.store.verify(ctx, anchor{}, out)
	if err != nil || !holds {
		return notRight(err)
	}
	return nil
}

// waitFor waits until n transactions are settled.
func (b *business) waitFor(ctx context.Context, n int) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		counts, err := b.store.count(ctx, time.Time{})
		if err != nil || counts[queued] == 0 || counts[charged]+counts[declined] >= n {
			return
		}
		<-tick.C
	}
}

// void does what a reviewer does whose customer has canceled.
func (b *business) void(ctx context.Context, id string, out io.Writer) error {
	r, err := b.processor.void(ctx, id, decision{"ada", "the customer has canceled"})
	if err == nil {
		fmt.Fprintf(out, "  void %s: %s, %s\n", id, r.state, cmp.Or(r.charge, r.why))
	}
	return err
}

// resendAll sends again what is in review, until nothing is.
func (b *business) resendAll(ctx context.Context) error {
	for {
		waiting, err := b.store.list(ctx, review, -1)
		if err != nil || len(waiting) == 0 {
			return err
		}
		for _, r := range waiting {
			if err := b.processor.resend(ctx, r.ID, decision{"ada", "the gateway is back"}); err != nil {
				return err
			}
		}
		if err := b.processor.drain(ctx); err != nil {
			return err
		}
	}
}
