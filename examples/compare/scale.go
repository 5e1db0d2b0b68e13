package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// scale measures how the kit's costs grow: with layers, with keys, with cached
// entries and with goroutines.
func scale(o options, r *report) error {
	var panels []panel
	for _, part := range []func(options, *report) (panel, error){byLayers, byKeys, byEntries, byGoroutines} {
		p, err := part(o, r)
		if err != nil {
			return err
		}
		panels = append(panels, p)
	}
	r.pictures = append(r.pictures, scalePicture(panels))
	return nil
}

// kitLayers are the kit's, in the order in which they are added around the
// base, and what each waits for is far away.
func kitLayers() []struct {
	name string
	wrap transport.Middleware
} {
	var stats transport.Stats
	cache := new(fallback.Cache)
	ladder := &fallback.Ladder{Name: "compare", Steps: []fallback.Step{cache.Step()}}
	return []struct {
		name string
		wrap transport.Middleware
	}{
		{"Breaker", new(transport.Breaker).Wrap},
		{"Retry", transport.Retry{}.Wrap},
		{"Record", transport.Record{Stats: &stats}.Wrap},
		{"Cache", cache.Wrap},
		{"Ladder", ladder.Wrap},
		{"Limit", transport.Limit{Concurrency: 1 << 20}.Wrap},
		{"Timeout", transport.Timeout{Headers: time.Minute}.Wrap},
		{"Deadline", transport.Deadline{Total: time.Minute}.Wrap},
	}
}

func byLayers(o options, r *report) (panel, error) {
	r.say("scale: layers")
	layers := kitLayers()
	all := []lane{{bare.name, func() func() error { return richGetter(stub) }}}
	var rt http.RoundTripper = sender(stub)
	for _, l := range layers {
		rt = l.wrap(rt)
		send := sender(rt.RoundTrip)
		all = append(all, lane{l.name, func() func() error { return richGetter(send) }})
	}
	runs, err := race(o.pace, 1, all...)
	if err != nil {
		return panel{}, err
	}
	t := r.add(&table{
		title: "Scale: layers",
		note:  "The kit's layers, one after another around a base that answers at once: what the chain costs so far.",
		head:  []string{"layers", "the last of them", "+ ns", "+ allocs", "+ B"},
	})
	p := panel{title: "layers", unit: "+ ns per call", lines: []line{{name: "the kit's layers"}}}
	for i, run := range runs[1:] {
		more := run.over(runs[0], sample.ns)
		t.add(fmt.Sprint(i+1), run.name, more.spread(number), number(run.over(runs[0], allocs).median), whole(run.over(runs[0], heap).median))
		p.lines[0].add(float64(i+1), more.median)
	}
	return p, nil
}

// powers are 1, 10, 100 and so on.
func powers(most int) []int {
	var all []int
	for n := 1; n <= most; n *= 10 {
		all = append(all, n)
	}
	return all
}

func byKeys(o options, r *report) (panel, error) {
	r.say("scale: keys")
	most := powers(o.keys)
	requests := make([]*http.Request, most[len(most)-1])
	for i := range requests {
		requests[i] = newRequest(http.MethodGet, fmt.Sprintf("http://host-%d.example.com/", i), nil)
	}
	t := r.add(&table{
		title: "Scale: keys",
		note:  "A Breaker with a circuit for each of so many hosts, called one after another.",
		head:  []string{"keys", "+ ns", "B each"},
	})
	p := panel{title: "keys", unit: "+ ns per call", log: true, lines: []line{{name: "Breaker"}}}
	for _, n := range most {
		before := holding()
		send := sender((&transport.Breaker{MaxCircuits: 1 << 20}).Wrap(sender(stub)).RoundTrip)
		if err := again(inTurn(send, requests[:n])(), n); err != nil {
			return p, err
		}
		each := holding().since(before, n).Bytes
		runs, err := race(o.pace, 1, lane{bare.name, inTurn(stub, requests[:n])}, lane{kitBreaker.name, inTurn(send, requests[:n])})
		if err != nil {
			return p, err
		}
		more := runs[1].over(runs[0], sample.ns)
		if n == 1 {
			each = 0 // less than what the table of circuits takes empty
		}
		t.add(thousands(float64(n)), more.spread(number), orNone(each))
		p.lines[0].add(float64(n), more.median)
	}
	return p, nil
}

func orNone(bytes float64) string {
	if bytes <= 0 {
		return "–"
	}
	return whole(bytes)
}

// inTurn calls for one request after another.
func inTurn(send sender, requests []*http.Request) func() func() error {
	return func() func() error {
		i := -1
		return func() error {
			if i++; i == len(requests) {
				i = 0
			}
			return once(send, requests[i])
		}
	}
}

func byEntries(o options, r *report) (panel, error) {
	const body = 64
	t := r.add(&table{
		title: "Scale: cached entries",
		note:  fmt.Sprintf("A Cache with so many answers of %d B, hit at random, and what it holds for each.", body),
		head:  []string{"entries", "hit, ns", "allocs", "B each"},
	})
	p := panel{title: "cached entries", unit: "ns per hit", log: true, lines: []line{{name: "Cache"}}}
	for _, n := range powers(o.scaleEntries) {
		r.say("scale: %s entries", thousands(float64(n)))
		before := holding()
		get, put := requester(func(base http.RoundTripper) http.RoundTripper {
			return (&fallback.Cache{ServeFresh: true, MaxBytes: 1 << 40}).Wrap(base)
		})(make([]byte, body))
		for i := range n {
			if err := put(i); err != nil {
				return p, err
			}
		}
		each := holding().since(before, n).Bytes
		pace := o.pace
		pace.rounds = 6
		runs, err := race(pace, 1, lane{"Cache", func() func() error {
			return func() error { return get(rand.IntN(n)) }
		}})
		if err != nil {
			return p, err
		}
		took := runs[0].of(sample.ns)
		if n == 1 {
			each = 0
		}
		t.add(thousands(float64(n)), took.spread(number), number(runs[0].of(allocs).median), orNone(each))
		p.lines[0].add(float64(n), took.median)
	}
	return p, nil
}

// byGoroutines measures how calls from many goroutines get in each other's way.
func byGoroutines(o options, r *report) (panel, error) {
	contenders := []contender{bare, kitChain, gobreak, failsafeBreaker}
	t := r.add(&table{
		title: "Scale: goroutines",
		note: "What a call takes of the wall's time, from so many goroutines at once, and how often a call waits for a lock, in " +
			"a million calls of each (by the mutex profile): a lock that all calls share shows here.",
		head: []string{"goroutines"},
	})
	p := panel{title: "goroutines", unit: "ns per call, on the wall", log: true}
	for _, c := range contenders {
		t.head = append(t.head, c.name+", ns", "waits")
		p.lines = append(p.lines, line{name: c.name})
	}
	for n := 1; n <= 1024; n *= 4 {
		r.say("scale: %d goroutines", n)
		all := lanes(contenders, setting{}, stub, richGetter)
		runs, err := race(o.pace, n, all...)
		if err != nil {
			return p, err
		}
		row := []string{thousands(float64(n))}
		for i, run := range runs {
			took := run.of(wall).median
			waits, err := lockWaits(all[i], n, int(4*float64(o.pace.span)/took))
			if err != nil {
				return p, err
			}
			row = append(row, number(took), number(waits))
			p.lines[i].add(float64(n), took)
		}
		t.add(row...)
	}
	return p, nil
}
