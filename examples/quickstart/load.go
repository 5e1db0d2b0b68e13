package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A load is the same calls for whoever makes them: how many, how often, and
// for which users, by the seed.
type load struct {
	url         string // of the upstream, or the one that -url names
	calls       int
	concurrency int
	gap         time.Duration // between the starts of two calls
	seed        uint64
	paths       bool // whether to ask for users; -url is asked for as it is
}

// An end is how one call ended.
type end struct {
	answered bool // a body was read to its end, with a status below 400
	source   transport.Source
	took     time.Duration
	attempts int
	status   int
	err      error
}

// run makes the calls, at most concurrency of them at once, and tells progress
// of each as it ends.
func (l load) run(ctx context.Context, client *http.Client, progress func(end)) []end {
	dice := rand.New(rand.NewPCG(l.seed, 1))
	ends := make([]end, l.calls)
	var mu sync.Mutex // guards progress
	var wg sync.WaitGroup
	places := make(chan struct{}, l.concurrency)
	tick := time.NewTicker(max(l.gap, 1))
	defer tick.Stop()
	for i := range ends {
		url := l.url
		if l.paths {
			// Some users are asked for more often than others.
			url += "/users/" + strconv.Itoa(int(30*dice.ExpFloat64()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			wg.Wait()
			return ends[:i]
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			ends[i] = call(ctx, client, url, i)
			mu.Lock()
			defer mu.Unlock()
			progress(ends[i])
		})
	}
	wg.Wait()
	return ends
}

// call is what any program does: make a request, look at the status, read the
// body. The Trip is there to fill the table.
func call(ctx context.Context, client *http.Client, url string, number int) end {
	ctx, trip := transport.NewTrip(ctx)
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return end{err: err}
	}
	req.Header.Set(callHeader, strconv.Itoa(number))
	e := end{}
	e.status, e.err = get(client, req)
	e.took = time.Since(began)
	e.answered = e.err == nil && e.status < 400
	e.attempts = onTheWire(trip)
	if e.source = trip.Answer().Source; e.source == "" {
		e.source = transport.SourceOrigin
	}
	return e
}

// onTheWire counts the attempts that were sent. A bare client fills in no Trip:
// it sends once.
func onTheWire(trip *transport.Trip) int {
	attempts := trip.Attempts()
	if len(attempts) == 0 {
		return 1
	}
	n := 0
	for _, a := range attempts {
		if a.Verdict.Category != transport.CircuitOpen {
			n++
		}
	}
	return n
}

// get makes a request and reads the answer to its end.
func get(client *http.Client, req *http.Request) (status int, err error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// why says in a few words how a call failed.
func (e end) why() string {
	switch {
	case e.err == nil:
		return strconv.Itoa(e.status)
	case errors.Is(e.err, io.ErrUnexpectedEOF):
		return "cut body"
	}
	return transport.FailureOf(nil, nil, e.err).Category.String()
}
