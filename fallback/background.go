package fallback

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// background is the work of a cache that no caller waits for: writes to a
// distant store, and, while Run runs, revalidations.
type background struct {
	mu      sync.Mutex // guards the rest
	writes  int
	idle    chan struct{} // closed when there are no writes, nil if nobody waits
	run     context.Context
	wg      *sync.WaitGroup // of the revalidations of this run
	pending map[digest]bool // those that are under way
}

const (
	maxWrites        = 64 // to a distant store, at once
	maxRevalidations = 16 // at once
	revalidateTime   = 30 * time.Second
	sweepTime        = time.Minute
)

// start runs write on a goroutine of its own, unless too many are under way.
// It ends soon: a distant store has a timeout.
func (b *background) start(write func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writes >= maxWrites {
		return false
	}
	b.writes++
	go func() {
		defer b.wrote()
		write(context.Background())
	}()
	return true
}

func (b *background) wrote() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writes--; b.writes == 0 && b.idle != nil {
		close(b.idle)
		b.idle = nil
	}
}

// wait returns when no writes are under way.
func (b *background) wait() {
	b.mu.Lock()
	if b.writes == 0 {
		b.mu.Unlock()
		return
	}
	if b.idle == nil {
		b.idle = make(chan struct{})
	}
	idle := b.idle
	b.mu.Unlock()
	<-idle
}

var errRunning = errors.New("fallback: Cache.Run is running already")

// run lets revalidations begin until ctx is over, and sweeps the memory.
func (c *core) run(ctx context.Context) error {
	var wg sync.WaitGroup
	if !c.background.open(ctx, &wg) {
		return errRunning
	}
	defer wg.Wait()
	defer c.background.shut()
	ticker := time.NewTicker(sweepTime)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
			if c.memory != nil {
				c.memory.Sweep()
			}
		}
	}
}

func (b *background) open(ctx context.Context, wg *sync.WaitGroup) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.run != nil {
		return false
	}
	b.run, b.wg, b.pending = ctx, wg, make(map[digest]bool)
	return true
}

func (b *background) shut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.run, b.wg = nil, nil
}

// begin runs ask on a goroutine of the run that is on, and reports whether
// somebody asks: this one, or one that began before for the same key.
func (b *background) begin(k digest, ask func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.run == nil || b.run.Err() != nil:
		return false
	case b.pending[k]:
		return true
	case len(b.pending) >= maxRevalidations:
		return false
	}
	run, pending := b.run, b.pending
	pending[k] = true
	b.wg.Go(func() {
		defer func() {
			_ = recover() // a panic below ends this question; there is no caller to pass it to
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(pending, k)
		}()
		ask(run)
	})
	return true
}

// revalidateLater asks the service about e when the caller has its answer:
// RFC 5861, section 3. It reports whether that is being done.
func (c *caching) revalidateLater(a *asking, e *entry) bool {
	req := a.Request
	if req.URL == nil {
		return false
	}
	key := c.addressOf(a, e.spec).variant
	copied, u := req.WithContext(transport.Detach(req.Context())), *req.URL
	copied.Method, copied.Header, copied.Body = http.MethodGet, req.Header.Clone(), nil // the caller's are the caller's again
	for _, name := range [...]string{"If-None-Match", "If-Modified-Since"} {
		deleteAll(copied.Header, name)
	}
	copied.URL = &u
	return c.background.begin(key, func(run context.Context) {
		ctx, cancel := context.WithTimeout(copied.Context(), revalidateTime)
		defer cancel()
		defer context.AfterFunc(run, cancel)()
		again := c.read(copied.WithContext(ctx))
		resp, err := c.validate(&again, e, nil)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, c.MaxBody+1)) // what is wrong with it, the tee sees
	})
}
