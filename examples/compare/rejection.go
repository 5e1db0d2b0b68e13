package main

import (
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"
)

// rejection measures what a call costs that an open circuit refuses.
func rejection(o options, r *report) error {
	contenders := those(breaks)[1:] // a base has no circuit
	all := make([]lane, len(contenders))
	for i, c := range contenders {
		send, err := opened(c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		all[i] = lane{c.name, func() func() error { return refused(send) }}
	}
	procs := runtime.GOMAXPROCS(0)
	r.say("rejection: alone")
	alone, err := race(o.pace, 1, all...)
	if err != nil {
		return err
	}
	r.say("rejection: in parallel")
	parallel, err := race(o.pace, procs, all...)
	if err != nil {
		return err
	}
	t := r.add(&table{
		title: "Rejection by an open circuit",
		note: fmt.Sprintf("What a refused call takes: alone, and from %d goroutines at once, where a figure below "+
			"the one alone says that cores do not wait for each other.", procs),
		head: []string{"contender", does, "ns, alone", "ns on the wall, parallel", "allocs", "B"},
	})
	for i, run := range alone {
		took := run.of(sample.ns)
		t.add(run.name, contenders[i].does, took.spread(number), parallel[i].of(wall).spread(number),
			number(run.of(allocs).median), whole(run.of(heap).median))
		r.summary.set(run.name, "rejection: ns", took.median, number(took.median))
	}
	return nil
}

// opened returns a sender whose circuit is open.
func opened(c contender) (sender, error) {
	var sent atomic.Int64
	send := c.send(sender(func(req *http.Request) (*http.Response, error) {
		sent.Add(1)
		return answer(req, http.StatusServiceUnavailable), nil
	}), setting{brittle: true, hasty: true})
	call := refused(send)
	// Some learn of what happened a while after it did.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		before := sent.Load()
		if err := call(); err == nil && sent.Load() == before {
			return send, nil
		}
		<-tick.C
	}
	return nil, fmt.Errorf("the circuit does not open")
}

// refused sends a call that is to be refused, with an error.
func refused(send sender) func() error {
	req := newRequest(http.MethodGet, "http://api.example.com/users/1?full=true", nil)
	return func() error {
		resp, err := send(req)
		if err == nil {
			return fmt.Errorf("answered %d, not refused", resp.StatusCode)
		}
		return nil
	}
}
