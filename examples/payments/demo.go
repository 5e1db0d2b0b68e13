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
	"sync"
	"time"
)

// The demonstration: sixty transactions, and a gateway that is killed when it
// has settled twenty of them.
const (
	demoTransactions = 60
	demoKillAfter    = 20
)

var demoPatience = patience{attempt: 500 * time.Millisecond, call: 4 * time.Second, backoff: 50 * time.Millisecond, openFor: time.Second}

// A demo is the program, and a gateway of its own that it is shown with.
type demo struct {
	*business
	dir      string // of the gateway's program and of both sides' files
	seed     uint64 // of the gateway's faults
	gateway  *gateway
	unwanted []record // what a reviewer wants void
	out      io.Writer
}

// demonstrate shows it all in a folder that is gone afterwards.
func (o options) demonstrate(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "payments")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demo{dir: dir, seed: o.seed, out: out}
	if err := buildGateway(ctx, d.program()); err != nil {
		return err
	}
	if err := d.start("127.0.0.1:0"); err != nil {
		return err
	}
	defer func() { d.gateway.kill() }() // the one that is there by then

	o.db, o.gateway, o.patience = filepath.Join(dir, "payments.db"), d.gateway.url, demoPatience
	if d.business, err = o.open(ctx, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	defer d.close()
	for _, part := range []func(context.Context) error{d.outage, d.inVain, d.recovery, d.audit} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) program() string { return filepath.Join(d.dir, "gateway.exe") }

// start starts the gateway, or starts it again with what it knew.
func (d *demo) start(address string) error {
	g, err := startGateway(d.program(), "-listen", address, "-ledger", filepath.Join(d.dir, "ledger"),
		"-seed", strconv.FormatUint(d.seed, 10), "-slow", "1s")
	if err == nil {
		d.gateway = g
	}
	return err
}

// outage sends everything, and kills the gateway on the way.
func (d *demo) outage(ctx context.Context) error {
	fmt.Fprintf(d.out, "%d transactions; the gateway fails at every third request, and is killed (-9) on the way\n", demoTransactions)
	if _, _, err := d.processor.accept(ctx, sample(demoTransactions)...); err != nil {
		return err
	}
	sending, sent := context.WithCancel(ctx)
	var killing sync.WaitGroup
	killing.Go(func() {
		d.waitFor(sending, demoKillAfter)
		d.gateway.kill()
	})
	err := d.processor.drain(ctx)
	sent()
	killing.Wait()
	if err != nil {
		return err
	}
	_, err = d.store.summary(ctx, d.out)
	return err
}

// waitFor waits until n transactions are settled, or nothing is sent any more.
func (d *demo) waitFor(sending context.Context, n int) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		counts, err := d.store.count(sending, time.Time{})
		if err != nil || counts[charged]+counts[declined] >= n {
			return
		}
		select {
		case <-tick.C:
		case <-sending.Done():
			return
		}
	}
}

// inVain has a reviewer who wants void what nobody can know about.
func (d *demo) inVain(ctx context.Context) (err error) {
	fmt.Fprintln(d.out, "\na reviewer wants two of them void, but the gateway, which alone knows, cannot be asked")
	if d.unwanted, err = d.store.list(ctx, review, 2); err != nil {
		return err
	}
	for _, r := range d.unwanted {
		if err := d.void(ctx, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// recovery brings the gateway back, and everything to its end.
func (d *demo) recovery(ctx context.Context) error {
	if err := d.start(d.gateway.address()); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "\nthe gateway is back; these are void now, or turn out to be charged; the others are sent again")
	for _, r := range d.unwanted {
		select {
		case <-time.After(2 * demoPatience.openFor): // until the circuit lets a probe pass
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := d.void(ctx, r.ID); err != nil {
			return err
		}
	}
	if err := d.resendAll(ctx); err != nil {
		return err
	}
	_, err := d.store.summary(ctx, d.out)
	return err
}

// void does what a reviewer does whose customer has canceled.
func (d *demo) void(ctx context.Context, id string) error {
	r, err := d.processor.void(ctx, id, decision{"ada", "the customer has canceled"})
	if err == nil {
		fmt.Fprintf(d.out, "  void %s: %s, %s\n", id, r.state, cmp.Or(r.charge, r.why))
	}
	return err
}

// resendAll sends again what is in review, until nothing is.
func (d *demo) resendAll(ctx context.Context) error {
	for {
		waiting, err := d.store.list(ctx, review, -1)
		if err != nil || len(waiting) == 0 {
			return err
		}
		for _, r := range waiting {
			if err := d.processor.resend(ctx, r.ID, decision{"ada", "the gateway is back"}); err != nil {
				return err
			}
		}
		if err := d.processor.drain(ctx); err != nil {
			return err
		}
	}
}

// audit compares both sides, and the log with what it is about.
func (d *demo) audit(ctx context.Context) error {
	fmt.Fprintln(d.out)
	if equal, err := d.processor.reconcile(ctx, d.out); err != nil || !equal {
		return notRight(err)
	}
	if holds, err := d.store.verify(ctx, anchor{}, d.out); err != nil || !holds {
		return notRight(err)
	}
	return nil
}
