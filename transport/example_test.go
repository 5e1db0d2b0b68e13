package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// flaky answers with the statuses one after the other, and then with 200.
func flaky(codes ...int) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if len(codes) > 0 {
			w.WriteHeader(codes[0])
			codes = codes[1:]
			return
		}
		fmt.Fprint(w, "hello")
	}))
}

func ExampleChain() {
	server := flaky(503, 502)
	defer server.Close()

	var stats transport.Stats
	var breaker transport.Breaker
	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
		transport.Record{Stats: &stats}.Wrap,
		transport.Retry{BaseDelay: time.Millisecond}.Wrap,
		breaker.Wrap,
		transport.Timeout{Headers: 10 * time.Second}.Wrap,
	)}

	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(text))
	fmt.Println("calls that went well:", stats.Traffic().Succeeded)
	fmt.Println("circuit:", breaker.States()[0].State)
	// Output:
	// 200 OK hello
	// calls that went well: 1
	// circuit: closed
}

// Two mistakes of order. Record inside Retry sees attempts and takes them for
// calls; a Breaker outside Retry hears of three failures as of one, and lets
// Retry go on against a service that is down.
func ExampleChain_wrongOrder() {
	server := flaky(503, 503, 503, 503, 503, 503)
	defer server.Close()

	var stats transport.Stats
	breaker := transport.Breaker{FailureThreshold: 3}
	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
		breaker.Wrap, // wrong: it belongs inside Retry
		transport.Retry{BaseDelay: time.Millisecond}.Wrap,
		transport.Record{Stats: &stats}.Wrap, // wrong: it belongs outside Retry
	)}

	for range 2 {
		resp, err := client.Get(server.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
	}
	fmt.Println("calls made: 2, calls counted:", stats.Traffic().Total)
	fmt.Println("failures seen: 6, circuit:", breaker.States()[0].State)
	// Output:
	// calls made: 2, calls counted: 6
	// failures seen: 6, circuit: closed
}

func ExampleRetry() {
	server := flaky(503, 503, 503)
	defer server.Close()

	client := &http.Client{Transport: transport.Retry{
		MaxAttempts: 3,
		BaseDelay:   time.Millisecond,
	}.Wrap(http.DefaultTransport)}

	// When no attempt is left the last response comes back as it is.
	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 503 Service Unavailable
}

func ExampleBreaker() {
	server := flaky(500, 500)
	defer server.Close()

	breaker := transport.Breaker{
		FailureThreshold: 2,
		OpenFor:          time.Hour,
		OnChange: func(c transport.Change) {
			fmt.Println("the circuit was", c.From, "and is", c.To, "for", c.OpenFor)
		},
	}
	client := &http.Client{Transport: breaker.Wrap(http.DefaultTransport)}

	for range 3 {
		resp, err := client.Get(server.URL)
		if errors.Is(err, transport.ErrCircuitOpen) {
			fmt.Println("refused")
			continue
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	// Output:
	// 500 Internal Server Error
	// the circuit was closed and is open for 1h0m0s
	// 500 Internal Server Error
	// refused
}

func ExampleTimeout() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()

	client := &http.Client{Transport: transport.Timeout{Headers: 20 * time.Millisecond}.Wrap(http.DefaultTransport)}
	_, err := client.Get(server.URL)
	if e, ok := errors.AsType[*transport.TimeoutError](err); ok {
		fmt.Println(e)
	}
	// Output: transport: response headers timed out after 20ms
}

func ExampleDeadline() {
	server := flaky(503, 503, 503)
	defer server.Close()

	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
		transport.Deadline{Total: time.Second}.Wrap,
		transport.Retry{BaseDelay: time.Minute}.Wrap,
	)}

	// A wait of half a minute or more does not fit. Retry does not begin it.
	ctx, trip := transport.NewTrip(context.Background())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status, "gave up because of the", trip.GaveUp())
	// Output: 503 Service Unavailable gave up because of the deadline
}

func ExampleLimit() {
	held := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-held }))
	defer server.Close()

	client := &http.Client{Transport: transport.Limit{Concurrency: 1, Queue: -1}.Wrap(
		transport.Func(func(req *http.Request) (*http.Response, error) {
			held <- struct{}{} // the first call is under way
			return http.DefaultTransport.RoundTrip(req)
		}))}
	go func() {
		if resp, err := client.Get(server.URL); err == nil {
			resp.Body.Close()
		}
	}()
	<-held

	_, err := client.Get(server.URL)
	fmt.Println(errors.Is(err, transport.ErrLimited))
	close(held)
	// Output: true
}

func ExampleRecord() {
	server := flaky(503)
	defer server.Close()

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "host" {
				return slog.Attr{}
			}
			return a
		},
	}))
	var stats transport.Stats
	client := &http.Client{Transport: transport.Record{Stats: &stats, Logger: logger}.Wrap(http.DefaultTransport)}

	ctx := transport.WithOperation(context.Background(), "load user")
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(stats.Traffic().Errors, stats.Traffic().Consecutive)
	// Output:
	// level=ERROR msg="call failed" operation="load user" severity=high category=system recoverable=true message="503 Service Unavailable"
	// map[system_high:1] map[load user:1]
}

func ExampleBuffer() {
	// A server that says five bytes and sends two, at first.
	n := 0
	base := transport.Func(func(req *http.Request) (*http.Response, error) {
		n++
		body := io.MultiReader(strings.NewReader("he"), cut{})
		if n > 1 {
			body = strings.NewReader("hello")
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(body), ContentLength: 5, Request: req}, nil
	})
	client := &http.Client{Transport: transport.Chain(base,
		transport.Retry{BaseDelay: -1}.Wrap,
		transport.Buffer{MaxBytes: 1 << 10}.Wrap,
	)}

	resp, err := client.Get("http://example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(string(text), "after", n, "attempts")
	// Output: hello after 2 attempts
}

func ExampleNewTrip() {
	server := flaky(503, 429)
	defer server.Close()

	client := &http.Client{Transport: transport.Retry{BaseDelay: time.Millisecond}.Wrap(http.DefaultTransport)}
	ctx, trip := transport.NewTrip(context.Background())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	for i, a := range trip.Attempts() {
		fmt.Println(i+1, a.Status, a.Verdict.Category)
	}
	// Output:
	// 1 503 system
	// 2 429 rate_limit
	// 3 200 ok
}

func ExampleClassify() {
	for _, code := range []int{200, 404, 429, 503} {
		v := transport.Classify(nil, &http.Response{StatusCode: code}, nil)
		fmt.Println(code, v.Outcome, v.Category, v.Severity, v.Retryable)
	}
	v := transport.Classify(nil, nil, io.ErrUnexpectedEOF)
	fmt.Println("cut", v.Outcome, v.Category, v.Severity, v.Retryable)
	// Output:
	// 200 success ok low false
	// 404 success data medium false
	// 429 neutral rate_limit medium true
	// 503 failure system high true
	// cut failure data medium true
}

func ExampleWithOperation() {
	ctx := transport.WithOperation(context.Background(), "load user")
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://example.com/users/7", http.NoBody)
	fmt.Println(transport.FailureOf(req, nil, io.EOF))
	// Output: transport: load user: network: EOF
}

// cut is where a connection broke off.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
