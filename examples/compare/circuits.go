package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/safetrip-go/safetrip/transport"
)

// circuits measures what ten thousand circuits hold, one for each host.
func circuits(o options, r *report) error {
	t := r.add(&table{
		title: "Keyed circuits",
		note: fmt.Sprintf("What %s circuits hold, one for each host, each after 1 call and after %d; those that have "+
			"one circuit only are kept in a map by host, behind a lock.", thousands(float64(o.circuits)), callsEach),
		head: []string{"contender", "B each", fmt.Sprintf("B each after %d calls", callsEach), "goroutines"},
	})
	for _, c := range those(breaksEach)[1:] {
		r.say("circuits: %s", c.name)
		found, err := isolated[[2]held](fmt.Sprintf("circuits %d %s", o.circuits, c.name))
		if err != nil {
			return err
		}
		t.add(c.name, whole(found[0].Bytes), whole(found[1].Bytes), thousands(float64(found[1].Goroutines)))
		r.summary.set(c.name, "circuit: B", found[1].Bytes, whole(found[1].Bytes))
	}
	return nil
}

const callsEach = 50

// circuitsOf returns what is held after the first call of each circuit, and
// after the last.
func circuitsOf(with string) (found [2]held, err error) {
	n, c, err := counted(with)
	if err != nil {
		return found, err
	}
	requests := make([]*http.Request, n)
	for i := range requests {
		requests[i] = newRequest(http.MethodGet, fmt.Sprintf("http://host-%d.example.com/", i), nil)
	}
	base := sender(stub)
	before := holding()
	send := c.each(base)
	for i := range callsEach {
		for _, req := range requests {
			if err := once(send, req); err != nil {
				return found, err
			}
		}
		if i == 0 {
			found[0] = holding().since(before, n)
		}
	}
	found[1] = holding().since(before, n)
	return found, once(send, requests[0]) // what is measured is still in use
}

// each returns a sender with a circuit for each host.
func (c contender) each(base http.RoundTripper) sender {
	if c.ours {
		return (&transport.Breaker{MaxCircuits: 1 << 20}).Wrap(base).RoundTrip
	}
	circuits := map[string]sender{}
	var mu sync.RWMutex // guards circuits
	return func(req *http.Request) (*http.Response, error) {
		mu.RLock()
		circuit := circuits[req.URL.Host]
		mu.RUnlock()
		if circuit == nil {
			mu.Lock()
			if circuit = circuits[req.URL.Host]; circuit == nil {
				circuit = c.send(base, setting{})
				circuits[req.URL.Host] = circuit
			}
			mu.Unlock()
		}
		return circuit(req)
	}
}

// counted reads a number and the name of a contender.
func counted(with string) (int, contender, error) {
	n, name, err := countedName(with)
	if err != nil {
		return 0, contender{}, err
	}
	c, err := named(name)
	return n, c, err
}

func countedName(with string) (int, string, error) {
	count, name, _ := strings.Cut(with, " ")
	n, err := strconv.Atoi(count)
	return n, name, err
}
