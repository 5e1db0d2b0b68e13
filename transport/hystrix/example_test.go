package hystrix_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	hystrixgo "github.com/afex/hystrix-go/hystrix"
	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/hystrix"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// A service that fails, until hystrix's rule opens its circuit. The stream and
// the collectors of hystrix-go have it under its scheme and authority.
func Example() {
	breaker := transport.Breaker{Engine: &hystrix.Engine{
		Command: hystrixgo.CommandConfig{RequestVolumeThreshold: 5, ErrorPercentThreshold: 50, SleepWindow: 60_000},
	}}
	client := http.Client{Transport: transport.Chain(rttest.Script(http.StatusServiceUnavailable), breaker.Wrap)}

	for {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://billing.test/invoices/42", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := client.Do(req)
		if errors.Is(err, transport.ErrCircuitOpen) { // a while after the fifth failure: hystrix-go counts on a goroutine of its own
			fmt.Println(err)
			break
		}
		resp.Body.Close()
	}

	circuit, created, _ := hystrixgo.GetCircuit("http://billing.test")
	fmt.Println("hystrix-go knows it:", !created, circuit.IsOpen())
	// Output:
	// Get "http://billing.test/invoices/42": transport: circuit open: http://billing.test is open
	// hystrix-go knows it: true true
}
