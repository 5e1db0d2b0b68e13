package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
)

// reconcile compares this side with the gateway's settlement report, transaction
// by transaction, and prints the sums and each difference. It is for when all is
// settled: what is still on its way may differ.
func (p *processor) reconcile(ctx context.Context, out io.Writer) (equal bool, err error) {
	theirs := make(map[string]receipt) // by key
	var twice []string
	err = p.provider.report(ctx, func(r receipt) {
		if _, ok := theirs[r.Key]; ok {
			twice = append(twice, fmt.Sprintf("key %s is there twice", r.Key))
		}
		theirs[r.Key] = r
	})
	if err != nil {
		return false, fmt.Errorf("the gateway's report: %w", err)
	}
	b := balance{ours: purse{}, theirs: purse{}, wrong: twice}
	for _, in := range []state{queued, sending, review, voiding, charged, declined, voided} {
		records, err := p.store.list(ctx, in, -1)
		if err != nil {
			return false, err
		}
		for _, r := range records {
			b.add(r, theirs)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(theirs)) { // what is left is not ours
		b.wrong = append(b.wrong, fmt.Sprintf("key %s is %s there and unknown here", key, theirs[key].Status))
		b.count(theirs[key])
	}
	fmt.Fprintf(out, "charged here:   %4d, %v\ncharged there:  %4d, %v\n", b.n, b.ours, b.m, b.theirs)
	for _, one := range b.wrong {
		fmt.Fprintf(out, "difference: %s\n", one)
	}
	return len(b.wrong) == 0, nil
}

// A balance is the charges of both sides.
type balance struct {
	ours, theirs purse
	n, m         int // charges here and there
	wrong        []string
}

// add counts a transaction on both sides, and takes the gateway's record of it
// away.
func (b *balance) add(r record, theirs map[string]receipt) {
	there, ok := theirs[r.key()]
	delete(theirs, r.key())
	if r.state == charged {
		b.n++
		b.ours[r.Currency] += r.Amount
	}
	b.count(there)
	switch {
	case !ok && (r.state == charged || r.state == declined || r.state == voided):
		b.wrong = append(b.wrong, fmt.Sprintf("%s is %s here and unknown there", r.ID, r.state))
	case ok && string(r.state) != there.Status:
		b.wrong = append(b.wrong, fmt.Sprintf("%s is %s here and %s there", r.ID, r.state, there.Status))
	case r.state == charged && (r.charge != there.Charge || r.money() != money{there.Amount, there.Currency}):
		b.wrong = append(b.wrong, fmt.Sprintf("%s is %v as %s here, %d %q as %s there", r.ID, r.money(), r.charge, there.Amount, there.Currency, there.Charge))
	}
}

// count adds a charge of the gateway's.
func (b *balance) count(there receipt) {
	if there.Status == "charged" {
		b.m++
		b.theirs[there.Currency] += there.Amount
	}
}
