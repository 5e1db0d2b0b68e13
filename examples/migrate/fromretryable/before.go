// Package fromretryable is a program that used go-retryablehttp, before and
// after.
package fromretryable

import (
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/safetrip-go/safetrip/examples/migrate/users"
)

// Before sends through go-retryablehttp.
func Before(url string) users.Client {
	return users.Client{URL: url, Do: configured().StandardClient().Do}
}

// configured is how the program set its client up.
func configured() *retryablehttp.Client {
	c := retryablehttp.NewClient()
	c.RetryMax = 3
	c.RetryWaitMin = 10 * time.Millisecond
	c.RetryWaitMax = 50 * time.Millisecond
	c.Logger = nil
	return c
}
