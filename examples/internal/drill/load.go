package drill

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

// A Load is the same calls for whoever makes them: how many, how often, and
// for which users, by the seed.
type Load struct {
	URL         string // of the upstream, or of a service of the user's
	Calls       int
	Concurrency int
	Gap         time.Duration // between the starts of two calls
	Seed        uint64
	Paths       bool // whether to ask for users; otherwise URL is asked for as it is
}

// An End is how one call ended.
type End struct {
	Answered bool // a body was read to its end, with a status below 400
	Source   transport.Source
	Took     time.Duration
	Attempts int
	Status   int
	Err      error
}

// Run makes the calls, at most Concurrency of them at once, and tells progress
// of each as it ends.
func (l Load) Run(ctx context.Context, client *http.Client, progress func(End)) []End {
	dice := rand.New(rand.NewPCG(l.Seed, 1))
	ends := make([]End, l.Calls)
	var mu sync.Mutex // guards progress
	var wg sync.WaitGroup
	places := make(chan struct{}, l.Concurrency)
	tick := time.NewTicker(max(l.Gap, 1))
	defer tick.Stop()
	for i := range ends {
		url := l.URL
		if l.Paths {
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
func call(ctx context.Context, client *http.Client, url string, number int) End {
	ctx, trip := transport.NewTrip(ctx)
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return End{Err: err}
	}
	req.Header.Set(callHeader, strconv.Itoa(number))
	e := End{}
	e.Status, e.Err = get(client, req)
	e.Took = time.Since(began)
	e.Answered = e.Err == nil && e.Status < 400
	e.Attempts = onTheWire(trip)
	if e.Source = trip.Answer().Source; e.Source == "" {
		e.Source = transport.SourceOrigin
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

// Why says in a few words how a call failed.
func (e End) Why() string {
	switch {
	case e.Err == nil:
		return strconv.Itoa(e.Status)
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		return "cut body"
	}
	return transport.FailureOf(nil, nil, e.Err).Category.String()
}
