package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
)

// A processor takes transactions out of the queue and sends them. The queue is
// the database: what is in memory of it can be lost at any moment.
type processor struct {
	store    *store
	provider *provider
	log      *slog.Logger
	workers  int

	wake chan struct{} // has room for one: somebody should look into the queue
}

func newProcessor(s *store, p *provider, log *slog.Logger, workers int) *processor {
	return &processor{store: s, provider: p, log: log, workers: workers, wake: make(chan struct{}, 1)}
}

// accept takes transactions in and has them sent.
func (p *processor) accept(ctx context.Context, all ...transaction) (records []record, known int, err error) {
	defer p.rouse()
	return p.store.accept(ctx, all...)
}

// rouse wakes a worker, if one sleeps. That one wakes the next.
func (p *processor) rouse() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// recover takes up what a killed process left behind. It comes before anything
// else.
func (p *processor) recover(ctx context.Context) error {
	n, err := p.store.recover(ctx)
	if n > 0 {
		p.log.Warn("interrupted transactions are taken up again", "transactions", n)
	}
	return err
}

// run sends what is queued until ctx is over, and lets calls end that are under
// way by then. An error means that the database could not be written. What
// cannot be written down must not go on: the program ends, and begins again
// where the database says.
func (p *processor) run(ctx context.Context) error {
	return p.work(ctx, func(ctx context.Context) bool {
		select {
		case <-p.wake:
			return true
		case <-ctx.Done():
			return false
		}
	})
}

// drain sends what is queued and returns when nothing is any more.
func (p *processor) drain(ctx context.Context) error {
	return p.work(ctx, func(context.Context) bool { return false })
}

// work runs the workers. A worker that finds nothing to do asks whether to go
// on, which may take as long as it likes.
func (p *processor) work(ctx context.Context, goOn func(context.Context) bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		once    sync.Once
		failed  error
		workers sync.WaitGroup
	)
	for range p.workers {
		workers.Go(func() {
			for ctx.Err() == nil {
				err := p.one(ctx)
				switch {
				case errors.Is(err, errIdle):
					if !goOn(ctx) {
						return
					}
				case err != nil && ctx.Err() == nil:
					once.Do(func() { failed = err })
					stop()
				}
			}
		})
	}
	workers.Wait()
	return failed
}

// one takes one transaction from the queue to where it goes from there. From the
// moment it is claimed, it is not interrupted by anything but a kill.
func (p *processor) one(ctx context.Context) error {
	r, err := p.store.claim(ctx)
	if err != nil {
		return err
	}
	p.rouse()
	ctx = context.WithoutCancel(ctx)
	o := p.provider.charge(ctx, r.transaction)
	if o.to == review {
		p.log.Warn("to be reviewed", "transaction", r.ID, "amount", r.money(), "from", r.From, "why", o.why)
	}
	err = p.store.move(ctx, r.ID, change{from: sending, to: o.to, by: self, why: o.why, charge: o.charge, attempts: o.attempts})
	if errors.Is(err, errMoved) { // by another process, which began after us and sends it too: under the same key
		p.log.Warn("another process has taken it up", "transaction", r.ID)
		return nil
	}
	return err
}
