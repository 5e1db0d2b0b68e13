package transport

import "crypto/rand"

// RandomKey returns a new random value for [Retry.IdempotencyKey]: 130 bits or
// more in 26 letters and digits, by [crypto/rand.Text].
func RandomKey() string { return rand.Text() }
