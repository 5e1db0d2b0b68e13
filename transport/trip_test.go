package transport

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

func TestTripOfNobody(t *testing.T) {
	var trip *Trip
	trip.AddAttempt(Attempt{})
	trip.SetCircuit("", Open)
	trip.SetAnswer(Answer{})
	trip.SetGaveUp(ReasonBody)
	trip.SetLeader(t.Context())
	if trip.Leader() != nil || trip.Attempts() != nil || trip.Circuit() != (CircuitRef{}) || trip.Answer() != (Answer{}) || trip.GaveUp() != "" {
		t.Error("a nil Trip has something")
	}
	if TripFrom(t.Context()) != nil || TripOf(nil) != nil || TripOf(new(http.Response)) != nil || TripOf(answer(get(t, "http://a.test"), 200, "")) != nil {
		t.Error("there is a Trip that nobody asked for")
	}
}

func TestTripIsFoundAgain(t *testing.T) {
	ctx, trip := NewTrip(t.Context())
	if again, same := NewTrip(ctx); again != ctx || same != trip {
		t.Error("a second NewTrip made another one")
	}
	resp, err := Chain(script(503, 200), atOnce(Retry{}).Wrap, Timeout{Headers: time.Minute}.Wrap).RoundTrip(get(t, "http://a.test").WithContext(WithOperation(ctx, "x")))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if TripOf(resp) != trip || len(trip.Attempts()) != 2 {
		t.Errorf("TripOf returned %v, the trip has %+v", TripOf(resp), trip.Attempts())
	}
	trip.SetAnswer(Answer{SourceCache, "stale", Degraded})
	if got := trip.Answer(); got != (Answer{SourceCache, "stale", Degraded}) {
		t.Errorf("the answer is %+v", got)
	}
}

func TestTripOfARedirect(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/there", http.StatusFound)
		}
	}))
	defer server.Close()
	tr, _ := pool(t)
	ctx, trip := NewTrip(t.Context())
	client := &http.Client{Transport: Retry{}.Wrap(tr)}
	resp, err := client.Do(get(t, server.URL).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	var codes []int
	for _, a := range trip.Attempts() {
		codes = append(codes, a.Status)
	}
	if !slices.Equal(codes, []int{302, 200}) || TripOf(resp) != trip {
		t.Errorf("the hops are %v", codes)
	}
}

func TestTripAttemptsAreACopy(t *testing.T) {
	_, trip := NewTrip(t.Context())
	trip.AddAttempt(Attempt{Status: 200})
	trip.Attempts()[0].Status = 500
	if got := trip.Attempts()[0].Status; got != 200 {
		t.Errorf("somebody changed it to %d", got)
	}
}

func TestTripConcurrently(t *testing.T) {
	_, trip := NewTrip(t.Context())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				trip.AddAttempt(Attempt{Status: i})
				trip.SetCircuit(strconv.Itoa(i), Open)
				trip.SetAnswer(Answer{Step: strconv.Itoa(i)})
				trip.SetGaveUp(ReasonBody)
				trip.Circuit()
				trip.Answer()
				trip.GaveUp()
				trip.Attempts()
			}
		})
	}
	wg.Wait()
	if n := len(trip.Attempts()); n != 800 {
		t.Errorf("%d attempts, want 800", n)
	}
}

func TestOperations(t *testing.T) {
	ctx := WithOperation(t.Context(), "load user")
	if got := OperationOf(ctx); got != "load user" {
		t.Errorf("got %q", got)
	}
	if got := OperationOf(t.Context()); got != "" {
		t.Errorf("got %q where there is none", got)
	}
	// The other settings stay.
	ctx, trip := NewTrip(WithIdempotencyKey(WithoutRetry(ctx), "key"))
	c := callOf(ctx)
	if c.operation != "load user" || c.idempotencyKey != "key" || !c.noRetry || c.trip != trip {
		t.Errorf("the call is %+v", c)
	}
	req := get(t, "http://a.test")
	req.Method = ""
	if got := operationOf(req).String(); got != "GET a.test" {
		t.Errorf("without a name it is %q", got)
	}
}

func TestDetach(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "mine"))
	ctx, trip := NewTrip(WithOperation(ctx, "load user"))
	var second *http.Request
	send(t, Chain(script(503, Func(func(req *http.Request) (*http.Response, error) {
		second = req
		return nil, io.EOF
	})), Deadline{Total: time.Hour}.Wrap, atOnce(Retry{MaxAttempts: 2}).Wrap), get(t, "http://a.test").WithContext(ctx))
	detached := Detach(second.Context())
	cancel()
	switch {
	case detached.Err() != nil:
		t.Error("it ends with the call")
	case detached.Value(key{}) != "mine" || OperationOf(detached) != "load user":
		t.Error("it lost a value")
	case TripFrom(detached) != nil || AttemptOf(detached) != 1 || !deadlineOf(detached).IsZero():
		t.Error("it has the call's Trip, attempt or deadline")
	case len(trip.Attempts()) != 2:
		t.Error("the call's own Trip is gone")
	}
}
