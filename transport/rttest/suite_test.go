package rttest

import (
	"net/http"
	"testing"
)

func identity(next http.RoundTripper) http.RoundTripper { return next }

func TestIdentity(t *testing.T) {
	Test(t, identity)
}

func TestIdentityHTTP2(t *testing.T) {
	Suite{HTTP2: true}.Run(t, identity)
}

func TestIdentityMemory(t *testing.T) {
	Suite{Memory: true}.Run(t, identity)
}
