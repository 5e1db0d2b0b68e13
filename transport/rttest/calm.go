package rttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Under many calls, cancelled calls and panics a wrapper stays what it was.
var calmRules = []rule{
	{"close-idle", "CloseIdleConnections reaches the base", memory, closeIdle},
	{"pool-left-alone", "the pool of idle connections is shared: a wrapper never closes it on its own account", memory, poolLeftAlone},
	{"panic", "a panic of the base passes through as it is", memory, panicPasses},
	{"panic-frees", "a panic of the base leaves nothing held: no slot, no lock, no circuit", memory, panicFrees},
	{"concurrent", "calls at the same time do not mix: each gets its own answer", memory, concurrent},
	{"goroutines", "cancelled calls leave no goroutine behind, whether they were in flight or waiting", memory, goroutines},
}

func closeIdle(p *probe) {
	script := Script()
	client := http.Client{Transport: p.wrap(script)}
	client.CloseIdleConnections()
	if script.IdleCloses() == 0 {
		p.fault("CloseIdleConnections of the client did not reach the base")
	}
}

func poolLeftAlone(p *probe) {
	failed := errors.New("base failed")
	for _, step := range []any{http.StatusOK, http.StatusServiceUnavailable, http.StatusTooManyRequests, failed} {
		script := Script(step)
		rt := p.wrap(script)
		url := "http://" + p.host() + "/"
		for _, ctx := range []context.Context{p.Context(), p.Context(), p.dead()} {
			if resp, err := p.send(rt, p.requestTo(url, http.MethodGet, nil).WithContext(ctx)); err == nil {
				resp.Body.Close()
			}
		}
		if n := script.IdleCloses(); n > 0 {
			p.fault("a base that says %v had its idle connections closed %d times", step, n)
		}
	}
}

func panicPasses(p *probe) {
	for _, value := range []any{http.ErrAbortHandler, "a panic"} {
		o := p.try(p.wrap(baseFunc(func(*http.Request) (*http.Response, error) { panic(value) })), p.request(http.MethodGet, nil))
		if o.panicked != value {
			p.fault("the base panicked with %v; RoundTrip panicked with %v, and returned %v, %v", value, o.panicked, o.resp, o.err)
		}
	}
}

func panicFrees(p *probe) {
	calls := 0
	rt := p.wrap(baseFunc(func(req *http.Request) (*http.Response, error) {
		if calls++; calls <= 64 {
			panic("a panic")
		}
		return answer(req, http.StatusOK, "fine"), nil
	}))
	url := "http://" + p.host() + "/"
	for calls < 64 {
		before := calls
		p.try(rt, p.requestTo(url, http.MethodGet, nil))
		if calls == before {
			p.fatal("after %d panics the base is not called any more", calls)
		}
	}
	p.fetch(rt, p.requestTo(url, http.MethodGet, nil)).Body.Close()
}

func concurrent(p *probe) {
	rt := p.wrap(Script(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		resp := answer(req, http.StatusOK, string(body))
		resp.Header.Set("Id", req.Header.Get("Id"))
		return resp, nil
	}))
	url := "http://" + p.host() + "/"
	var all sync.WaitGroup
	wrong := make(chan string, 16*8)
	for worker := range 16 {
		all.Go(func() {
			for call := range 8 {
				id := fmt.Sprint(worker, ".", call)
				req, _ := http.NewRequestWithContext(p.Context(), http.MethodPost, url, strings.NewReader(id))
				req.Header.Set("Id", id)
				o := trip(rt, req)
				if o.panicked != nil || o.err != nil || o.resp == nil {
					wrong <- fmt.Sprintf("call %s: %v, %v, %v", id, o.resp, o.err, o.panicked)
					continue
				}
				text, err := io.ReadAll(o.resp.Body)
				o.resp.Body.Close()
				if string(text) != id || o.resp.Header.Get("Id") != id || err != nil {
					wrong <- fmt.Sprintf("call %s got the answer of %s: %q, %v", id, o.resp.Header.Get("Id"), text, err)
				}
			}
		})
	}
	p.within("128 calls by 16 goroutines", all.Wait)
	close(wrong)
	for w := range wrong {
		p.fault("%s", w)
	}
}

func goroutines(p *probe) {
	n := 1000
	if p.short {
		n = 100
	}
	rt := p.wrap(baseFunc(cancelledInside))
	p.within("a call that starts what the wrapper keeps", func() { p.cancelledCalls(rt, 2) })
	label := p.host()
	p.within(strconv.Itoa(n)+" cancelled calls", func() {
		pprof.Do(p.Context(), pprof.Labels("rttest", label), func(context.Context) { p.cancelledCalls(rt, n) })
	})
	if !p.eventually(func() bool { return labelled(label) == 0 }) {
		p.fault("%d calls were cancelled, and %d goroutines are left", n, labelled(label))
	}
}

// cancelledInside is a base that cancels the call it is part of: while it is
// in flight, or just after it asked the caller to wait.
func cancelledInside(req *http.Request) (*http.Response, error) {
	cancel, ok := req.Context().Value(cancelKey{}).(context.CancelFunc)
	if !ok {
		return nil, errors.New("the values of the caller's context are lost")
	}
	if req.Method == http.MethodGet {
		cancel()
		return make(flight).RoundTrip(req)
	}
	time.AfterFunc(time.Millisecond, cancel)
	resp := answer(req, http.StatusServiceUnavailable, "later")
	resp.Header.Set("Retry-After", "3600")
	return resp, nil
}

type cancelKey struct{}

// cancelledCalls makes n calls at the same time to hosts of their own, and
// waits until they have ended.
func (p *probe) cancelledCalls(rt http.RoundTripper, n int) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			ctx, cancel := context.WithCancel(p.Context())
			defer cancel()
			method := []string{http.MethodGet, http.MethodDelete}[i%2]
			req, _ := http.NewRequestWithContext(context.WithValue(ctx, cancelKey{}, cancel), method, "http://"+p.host()+"/", nil)
			if o := trip(rt, req); o.resp != nil && o.resp.Body != nil {
				o.resp.Body.Close()
			}
		})
	}
	all.Wait()
}

// labelled counts the goroutines that descend from one with a label, so that
// what other tests start at the same time is not counted.
func labelled(label string) int {
	var profile bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1) // a Buffer takes everything
	count, n := 0, 0
	for line := range strings.Lines(profile.String()) {
		if head, _, ok := strings.Cut(line, " @ "); ok {
			count, _ = strconv.Atoi(head)
		}
		if strings.HasPrefix(line, "# labels:") && strings.Contains(line, label) {
			n += count
		}
	}
	return n
}
