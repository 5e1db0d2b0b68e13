package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// A prober answers health probes.
type prober struct {
	name string
	does string

	// open starts one with n checks that do the same, and returns its handler
	// once it has answers, with what ends it.
	open func(n int, check func(context.Context) error) (http.Handler, func(), error)
}

func probers() []prober {
	return []prober{kitMonitor, alexliesenfeldPeriodic, alexliesenfeld, hellofresh}
}

// probing measures a health probe with fifty checks, which take no time or a
// little.
func probing(o options, r *report) error {
	const checks = 50
	t := r.add(&table{
		title: "Health probe",
		note: fmt.Sprintf("What a probe takes on the wall with %d checks; what a check takes is a wait, as for a database.",
			checks),
		head: []string{"contender", does, "checks of 0 ms", "of 1 ms", "allocs"},
	})
	var found [2][]run
	for i, wait := range []time.Duration{0, time.Millisecond} {
		r.say("health: checks of %v", wait)
		var all []lane
		for _, p := range probers() {
			h, end, err := p.open(checks, waiting(wait))
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			defer end() //nolint:gocritic // deferInLoop: four servers, until all were measured
			all = append(all, lane{p.name, func() func() error { return probe(h) }})
		}
		runs, err := race(o.pace, 1, all...)
		if err != nil {
			return err
		}
		found[i] = runs
	}
	for i, p := range probers() {
		t.add(p.name, p.does, duration(found[0][i].of(wall).median), duration(found[1][i].of(wall).median),
			number(found[0][i].of(allocs).median))
	}
	return nil
}

func waiting(d time.Duration) func(context.Context) error {
	return func(context.Context) error {
		if d > 0 {
			<-time.After(d)
		}
		return nil
	}
}

// probe asks a handler as a load balancer would.
func probe(h http.Handler) func() error {
	req := newRequest(http.MethodGet, "http://localhost/healthz", nil)
	req.RequestURI = "/healthz"
	req.Header.Set("Accept", "application/json")
	return func() error {
		var w answered
		h.ServeHTTP(&w, req)
		if w.size == 0 {
			return fmt.Errorf("an empty answer")
		}
		return nil
	}
}

// answered is a ResponseWriter that throws away.
type answered struct {
	header http.Header
	size   int
}

func (a *answered) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *answered) Write(p []byte) (int, error) { a.size += len(p); return len(p), nil }
func (a *answered) WriteHeader(int)             {}
