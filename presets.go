package safetrip

import (
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// PresetLLM returns the settings for the API of a language model: slow to
// answer, often throttled, and asked by POST.
//
// A POST that made no answer costs nothing but time, so it is sent again upon
// 408, 409, 429, 503 and 529, and whenever it provably was not sent: up to 4
// attempts, from 500 ms apart, or as long as the service asks for (Retry-After,
// retry-after-ms, x-should-retry). Headers may take 10 minutes, which an answer
// that is not streamed needs; streams pass untouched, as long as they are.
// Request bodies of up to 4 MiB are kept for another attempt.
//
// Turn the retries of the API's own client off, or there are two that do not
// know of each other.
func PresetLLM() Config {
	return Config{
		Retry: transport.Retry{
			MaxAttempts:   4,
			BaseDelay:     500 * time.Millisecond,
			MaxBodyBuffer: 4 << 20,
			RetryUnsafeOn: []int{
				http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests,
				http.StatusServiceUnavailable, statusOverloaded,
			},
		},
		Timeout: transport.Timeout{Headers: 10 * time.Minute},
	}
}

// statusOverloaded is what some APIs answer in place of 503.
const statusOverloaded = 529

// PresetPayments returns the settings for a service that moves money.
//
// Each POST and PATCH gets an Idempotency-Key, one for all of its attempts, by
// which the service knows it again; so it may be sent again: up to 4 attempts.
// Give a key that outlives the process with [transport.WithIdempotencyKey]. A
// request is never sent again without one, unless its method is idempotent. An
// attempt may take 30 s, and then 30 s for each read of its body. A small body
// that was cut is a failure of the attempt: half a receipt is none, and the
// service says again what it said.
//
// The ladder and the cache are left out: yesterday's balance, or a made-up
// receipt, is worse than an error.
func PresetPayments() Config {
	return Config{
		Retry: transport.Retry{
			MaxAttempts:    4,
			IdempotencyKey: transport.RandomKey,
		},
		Timeout: transport.Timeout{Headers: 30 * time.Second, Idle: 30 * time.Second},
		Buffer:  new(transport.Buffer),
		Disable: Fallback,
	}
}

// PresetReadOnly returns the settings for a service that is mostly read, and
// where an answer now is worth more than the newest: a directory, a catalog.
//
// What the service declares fresh is answered from the cache, misses for the
// same thing are one call, small bodies that were cut are asked for again, and
// nothing takes long: up to 4 attempts of 5 s, from 200 ms apart to at most
// 2 s, 15 s in all, after which the cache or a step answers.
func PresetReadOnly() Config {
	return Config{
		Retry: transport.Retry{
			MaxAttempts: 4,
			BaseDelay:   200 * time.Millisecond,
			MaxDelay:    2 * time.Second,
		},
		Timeout:  transport.Timeout{Headers: 5 * time.Second},
		Deadline: transport.Deadline{Total: 15 * time.Second},
		Buffer:   new(transport.Buffer),
		Cache:    &fallback.Cache{ServeFresh: true, Coalesce: true},
	}
}
