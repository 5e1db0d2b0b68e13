package chaos_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/chaos"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// A storm, and a client that sails through it.
func Example() {
	var storm chaos.Injector
	err := storm.Set(
		chaos.Fault{Rate: 0.3, Status: http.StatusServiceUnavailable},
		chaos.Fault{Rate: 0.1, Err: chaos.Reset},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	service := rttest.Script("fine")

	for _, c := range []struct {
		name   string
		client http.Client
	}{
		{"bare", http.Client{Transport: storm.Wrap(service)}},
		{"with Retry", http.Client{Transport: transport.Chain(service,
			transport.Retry{MaxAttempts: 12, BaseDelay: time.Nanosecond, Budget: &transport.Budget{Ratio: -1}}.Wrap,
			storm.Wrap,
		)}},
	} {
		failed := 0
		for range 1000 {
			req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://billing.test/invoices/42", nil)
			if err != nil {
				fmt.Println(err)
				return
			}
			resp, err := c.client.Do(req)
			if err != nil || resp.StatusCode != http.StatusOK {
				failed++
			}
			if err == nil {
				resp.Body.Close()
			}
		}
		fmt.Printf("%s, %d calls of 1000 fail\n", c.name, failed)
	}
	// Output:
	// bare, 371 calls of 1000 fail
	// with Retry, 0 calls of 1000 fail
}

// Faults come and go while the program runs.
func ExampleInjector_Set() {
	var storm chaos.Injector
	client := http.Client{Transport: storm.Wrap(rttest.Script("fine"))}
	ask := func() {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://billing.test/invoices/42", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Printf("%s, Chaos: %q\n", resp.Status, resp.Header.Get("Chaos"))
	}

	ask()
	_ = storm.Set(chaos.Fault{Status: http.StatusServiceUnavailable})
	ask()
	_ = storm.Set(chaos.Fault{Err: chaos.NoSuchHost})
	ask()
	_ = storm.Set()
	ask()
	fmt.Println(storm.Set(chaos.Fault{Rate: 20}))
	// Output:
	// 200 OK, Chaos: ""
	// 503 Service Unavailable, Chaos: "made up"
	// Get "http://billing.test/invoices/42": chaos: injected: dial tcp: lookup billing.test: no such host
	// 200 OK, Chaos: ""
	// chaos: Fault.Rate is 20; it must be from 0 to 1
}
