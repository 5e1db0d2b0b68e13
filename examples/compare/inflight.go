package main

import (
	"fmt"
	"net/http"
	"sync"
)

// inflight measures what a call holds while its service does not answer.
func inflight(o options, r *report) error {
	t := r.add(&table{
		title: "In flight",
		note: fmt.Sprintf("What each of %s calls under way holds, stacks included, beyond what bare ones do, and the "+
			"goroutines that it adds to the caller's own.", thousands(float64(o.inflight))),
		head: []string{"contender", does, "B each", "goroutines each"},
	})
	var limit held
	players := field()
	for _, c := range players[:min(o.processes, len(players))] {
		r.say("in flight: %s", c.name)
		found, err := isolated[held](fmt.Sprintf("inflight %d %s", o.inflight, c.name))
		if err != nil {
			return err
		}
		if c.name == bare.name {
			limit = found
			continue
		}
		more := max(0, found.Bytes-limit.Bytes)
		t.add(c.name, c.does, whole(more), number(float64(found.Goroutines)/float64(o.inflight)-1))
		r.summary.set(c.name, "in flight: B", more, whole(more))
	}
	return nil
}

// inFlightOf returns what calls hold that wait for an answer.
func inFlightOf(with string) (held, error) {
	n, c, err := counted(with)
	if err != nil {
		return held{}, err
	}
	var waiting, done sync.WaitGroup
	waiting.Add(n)
	answers := make(chan struct{})
	send := c.send(sender(func(req *http.Request) (*http.Response, error) {
		waiting.Done()
		<-answers
		return answer(req, http.StatusOK), nil
	}), setting{})
	calls := make([]func() error, n)
	for i := range calls {
		calls[i] = getter(send)
	}
	before := holding()
	errs := make([]error, n)
	for i, call := range calls {
		done.Go(func() { errs[i] = call() })
	}
	waiting.Wait()
	found := holding().since(before, 1)
	close(answers)
	done.Wait()
	for _, err := range errs {
		if err != nil {
			return held{}, err
		}
	}
	found.Bytes /= float64(n)
	return found, nil
}
