package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// loopback measures real calls: how long, how many, and what of the processor
// they take of the client, and an upload.
func loopback(o options, r *report) error {
	origin, err := startOrigin()
	if err != nil {
		return err
	}
	defer origin.stop()
	if err := throughput(o, r, origin); err != nil {
		return err
	}
	return upload(o, r, origin)
}

func throughput(o options, r *report, origin *origin) error {
	r.say("loopback: %d at once", o.atOnce)
	contenders := field()
	latencies := make([]latency, len(contenders))
	all := make([]lane, len(contenders))
	for i, c := range contenders {
		send := latencies[i].timed(c.send(newTransport(new(atomic.Int64)), setting{}))
		all[i] = lane{c.name, func() func() error {
			return repeat(send, newRequest(http.MethodGet, origin.url+"/", nil))
		}}
	}
	pace := o.pace
	pace.rounds, pace.span = o.loopbackRounds, 4*pace.span
	runs, err := race(pace, o.atOnce, all...)
	if err != nil {
		return err
	}
	t := r.add(&table{
		title: fmt.Sprintf("Loopback, %d at once", o.atOnce),
		note: "GETs of 1 KiB to a service in another process. Processor time is the client's own, per call; " +
			fmt.Sprintf("(quartiles of %d rounds).", pace.rounds),
		head: []string{"contender", does, "calls/s", "p50", "p99", "CPU", "CPU × bare", "allocs"},
	})
	for i, run := range runs {
		ratio := run.times(runs[0], sample.ns)
		p50, p99 := latencies[i].quantiles()
		t.add(run.name, contenders[i].does, whole(1e9/run.of(wall).median), duration(p50), duration(p99),
			duration(run.of(sample.ns).median), ratio.spread(ratioText), number(run.of(allocs).median))
		if i > 0 {
			r.summary.set(run.name, "loopback: CPU × bare", ratio.median, ratioText(ratio.median))
		}
	}
	r.pictures = append(r.pictures, loopbackPicture(o, contenders[1:], runs[1:], runs[0]))
	return nil
}

func ratioText(v float64) string { return fmt.Sprintf("%.2f", v) }

// A latency gathers how long calls took until their headers were there.
type latency struct {
	mu  sync.Mutex // guards all
	all []float64
}

func (l *latency) timed(send sender) sender {
	return func(req *http.Request) (*http.Response, error) {
		began := time.Now()
		resp, err := send(req)
		took := float64(time.Since(began))
		l.mu.Lock()
		l.all = append(l.all, took)
		l.mu.Unlock()
		return resp, err
	}
}

func (l *latency) quantiles() (p50, p99 float64) {
	slices.Sort(l.all)
	return quantile(l.all, 0.5), quantile(l.all, 0.99)
}

func upload(o options, r *report, origin *origin) error {
	r.say("loopback: POST of 1 MiB")
	const size = 1 << 20
	contenders := field()
	all := make([]lane, len(contenders))
	for i, c := range contenders {
		send := c.send(newTransport(new(atomic.Int64)), setting{})
		all[i] = lane{c.name, func() func() error { return poster(origin.url+"/upload", size)(send) }}
	}
	pace := o.pace
	pace.span *= 2
	runs, err := race(pace, 1, all...)
	if err != nil {
		return err
	}
	t := r.add(&table{
		title: "POST 1 MiB over loopback",
		note:  "An upload whose request can make its body again (GetBody); (quartiles of the rounds).",
		head:  []string{"contender", does, "CPU", "CPU × bare", "time × bare", "allocated"},
	})
	for i, run := range runs {
		ratio, allocated := run.times(runs[0], sample.ns), run.of(heap).median
		t.add(run.name, contenders[i].does, duration(run.of(sample.ns).median), ratio.spread(ratioText),
			run.times(runs[0], wall).spread(ratioText), sizeText(allocated))
		if i > 0 {
			r.summary.set(run.name, "POST 1 MiB: allocated", allocated, sizeText(allocated))
		}
	}
	return nil
}
