package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// flaky measures 503, 503, 200: over a stub, and over connections with bodies
// of three sizes, where what counts is what a retry leaves behind.
func flaky(o options, r *report) error {
	r.say("503-503-200: over a stub")
	contenders := those(retries)
	all := make([]lane, len(contenders))
	for i, c := range contenders {
		send := c.send(twiceBusy(), setting{hasty: true})
		if i == 0 {
			send = thrice(send)
		}
		all[i] = lane{c.name, func() func() error { return getter(send) }}
	}
	runs, err := race(o.pace, 1, all...)
	if err != nil {
		return err
	}
	t := r.add(&table{
		title: "503, 503, 200 over a stub",
		note:  "What two retries without delay cost on top of three calls of the base.",
		head:  []string{"contender", does, "ns", "+ ns", "+ allocs", "+ B"},
	})
	for i, run := range runs {
		more, extra := run.over(runs[0], sample.ns), run.over(runs[0], allocs).median
		t.add(run.name, contenders[i].does, number(run.of(sample.ns).median), more.spread(number), number(extra),
			whole(run.over(runs[0], heap).median))
		if i > 0 {
			r.summary.set(run.name, "503-503-200: + ns", more.median, number(more.median))
		}
	}
	return flakySockets(o, r, contenders[1:])
}

// twiceBusy is a base that answers 503 two times of three.
func twiceBusy() sender {
	n := 0
	return func(req *http.Request) (*http.Response, error) {
		if err := swallow(req); err != nil {
			return nil, err
		}
		if n++; n%attempts != 0 {
			return answer(req, http.StatusServiceUnavailable), nil
		}
		return answer(req, http.StatusOK), nil
	}
}

// thrice is what a retry comes down to.
func thrice(send sender) sender {
	return func(req *http.Request) (*http.Response, error) {
		for range attempts - 1 {
			if resp, err := send(req); err != nil || resp.StatusCode == http.StatusOK {
				return resp, err
			}
		}
		return send(req)
	}
}

func flakySockets(o options, r *report, contenders []contender) error {
	origin, err := startOrigin()
	if err != nil {
		return err
	}
	defer origin.stop()
	t := r.add(&table{
		title: "503, 503, 200 over loopback",
		note: fmt.Sprintf("Connections that each of %d calls opens anew, by the size of the bodies that the 503s have: with "+
			"a body that was left unread, a connection cannot be used again. Goroutines are those left when all is over.", o.flakyCalls),
		head: []string{"contender", does, "dials, no body", "1 KiB", "64 KiB", "goroutines left"},
	})
	for _, c := range contenders {
		r.say("503-503-200: %s over loopback", c.name)
		row, left, worst := []string{c.name, c.does}, 0, 0.0
		for _, size := range []int{0, 1 << 10, 64 << 10} {
			dials, more, err := o.flakyCallsOver(origin, c, size)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			row = append(row, number(dials))
			left, worst = left+more, max(worst, dials)
		}
		t.add(append(row, fmt.Sprint(left))...)
		r.summary.set(c.name, "dials per call", worst, number(worst))
	}
	return nil
}

// flakyCallsOver returns the dials per call beyond the first, and the
// goroutines left.
func (o options) flakyCallsOver(origin *origin, c contender, size int) (dials float64, left int, err error) {
	before := goroutines()
	var counted atomic.Int64
	base := newTransport(&counted)
	send, end := c.open(base, setting{hasty: true})
	for range o.flakyCalls {
		req := newRequest(http.MethodGet, fmt.Sprintf("%s/flaky?size=%d", origin.url, size), nil)
		if err := once(send, req); err != nil {
			return 0, 0, err
		}
	}
	end()
	base.CloseIdleConnections()
	left = settled(before) - before
	return float64(counted.Load()-1) / float64(o.flakyCalls), left, nil
}

// settled waits until there are no more goroutines than before, at most for a
// second, and returns how many there are.
func settled(before int) int {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	now := goroutines()
	for range 100 {
		if now <= before {
			break
		}
		<-tick.C
		now = goroutines()
	}
	return now
}
