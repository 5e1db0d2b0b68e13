package main

import (
	"fmt"
	"runtime"
)

// overhead measures what each contender puts on top of a base that answers at
// once.
func overhead(o options, r *report) error {
	for _, w := range []struct {
		name, note string
		caller     caller
		goroutines int
	}{
		{"GET", "a GET that goes well", getter, 1},
		{"GET, context and headers", "the same with a context that can be canceled, and six headers", richGetter, 1},
		{"POST 1 KiB", "a POST of 1 KiB that goes well", poster("http://api.example.com/users", 1<<10), 1},
		{"GET, parallel", fmt.Sprintf("a GET, from %d goroutines at once", runtime.GOMAXPROCS(0)), richGetter, runtime.GOMAXPROCS(0)},
	} {
		r.say("overhead: %s", w.name)
		contenders := field()
		runs, err := race(o.pace, w.goroutines, lanes(contenders, setting{}, stub, w.caller)...)
		if err != nil {
			return err
		}
		t := r.add(&table{
			title: "Overhead over a stub: " + w.name,
			note: "What a call costs on top of a base that answers at once: " + w.note +
				". Processor time, the garbage collector's included; (quartiles of the rounds).",
			head: []string{"contender", does, "ns", "+ ns", "× bare", "+ allocs", "+ B"},
		})
		for i, run := range runs {
			more, extra := run.over(runs[0], sample.ns), run.over(runs[0], allocs).median
			t.add(run.name, contenders[i].does, number(run.of(sample.ns).median), more.spread(number),
				run.times(runs[0], sample.ns).spread(number), number(extra), whole(run.over(runs[0], heap).median))
			if w.name == "GET, context and headers" && i > 0 {
				r.summary.set(run.name, "GET: + ns", more.median, number(more.median))
				r.summary.set(run.name, "allocs", extra, number(extra))
			}
		}
		if w.name == "GET, context and headers" {
			r.pictures = append(r.pictures, overheadPicture(contenders[1:], runs[1:], runs[0]))
		}
	}
	return nil
}

// lanes makes a lane of each contender over a base.
func lanes(contenders []contender, s setting, base sender, call caller) []lane {
	all := make([]lane, len(contenders))
	for i, c := range contenders {
		send := c.send(base, s)
		all[i] = lane{c.name, func() func() error { return call(send) }}
	}
	return all
}
