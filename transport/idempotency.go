package transport

import (
	"crypto/rand"
	"net/http"
)

// RandomKey returns a new random value for [Retry.IdempotencyKey]: 130 bits or
// more in 26 letters and digits, by [crypto/rand.Text].
func RandomKey() string { return rand.Text() }

// hasIdempotencyKey reports whether a request carries a key by which the
// service knows it again: the header of the IETF's draft, or its older name.
func hasIdempotencyKey(h http.Header) bool {
	return first(h, "Idempotency-Key") != "" || first(h, "X-Idempotency-Key") != ""
}

// isSafe says whether a method asks for nothing to change: RFC 9110, section
// 9.2.1.
func isSafe(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// isIdempotent says whether a request may arrive twice: RFC 9110, section
// 9.2.2.
func isIdempotent(method string) bool {
	return isSafe(method) || method == http.MethodPut || method == http.MethodDelete
}
