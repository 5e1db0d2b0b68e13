// Package fromgobreaker is a program that used gobreaker, before and after.
package fromgobreaker

import (
	"errors"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/examples/migrate/users"
	"github.com/sony/gobreaker/v2"
)

// errServer makes gobreaker count an answer as a failure.
var errServer = errors.New("server error")

// Before sends in the breaker's Execute.
func Before(url string) users.Client {
	circuit := gobreaker.NewCircuitBreaker[*http.Response](gobreaker.Settings{
		Name:        "users",
		Timeout:     time.Minute,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
	})
	client := new(http.Client)
	return users.Client{URL: url, Do: func(req *http.Request) (*http.Response, error) {
		resp, err := circuit.Execute(func() (*http.Response, error) {
			resp, err := client.Do(req)
			if err == nil && resp.StatusCode >= 500 {
				err = errServer
			}
			return resp, err
		})
		if errors.Is(err, errServer) {
			return resp, nil
		}
		return resp, err
	}}
}
