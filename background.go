package safetrip

import (
	"context"
	"errors"
	"log/slog"
	"sync"
)

// background is the work that an Agent does beside its calls: checks,
// revalidation. It is guarded by the Agent's lock.
type background struct{ running map[runner]*running }

// A runner works until its context is over: a Monitor, a Cache.
type runner interface {
	Run(context.Context) error
}

type running struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

// A job is a runner that is to run.
type job struct {
	runner
	name   string
	logger *slog.Logger
}

// become starts what does not run yet, so that nobody is told meanwhile that
// nothing runs; and ends what is not among the jobs, and waits for that.
func (b *background) become(jobs []job) {
	wanted := make(map[runner]bool)
	for _, j := range jobs {
		wanted[j.runner] = true
		if b.running[j.runner] == nil {
			b.start(j)
		}
	}
	for r, now := range b.running {
		if !wanted[r] {
			now.stop()
			now.done.Wait()
			delete(b.running, r)
		}
	}
}

func (b *background) start(j job) {
	ctx, stop := context.WithCancel(context.Background())
	now := &running{stop: stop}
	if b.running == nil {
		b.running = make(map[runner]*running)
	}
	b.running[j.runner] = now
	now.done.Go(func() {
		if err := j.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			j.logger.Warn("background work ended", "work", j.name, "error", err)
		}
	})
}

// work returns what is to run while the setup is in force.
func (s *setup) work() []job {
	var jobs []job
	if s.config.on(Health) {
		jobs = append(jobs, job{s.health, "health checks", s.config.Logger})
	}
	for _, c := range s.caches() {
		jobs = append(jobs, job{c, "revalidation", s.config.Logger})
	}
	return jobs
}
