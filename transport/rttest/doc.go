// Package rttest is the contract of an [http.RoundTripper] as a test suite. It
// runs over any wrapper, a func(http.RoundTripper) http.RoundTripper, and says
// in which ways a program could tell that the wrapper is there.
//
// net/http puts the contract into a few sentences ("RoundTrip should not
// modify the request", "must always close the body, including on errors"), and
// leaves many more to be found out: that trailers are set while the body is
// read, that an http.Client asks the outermost error alone whether it is a
// timeout, that a context must outlive RoundTrip, that the body of a 101 can
// be written to. Each is a rule here, with a name and a sentence; [Rules]
// lists them.
//
// # Testing a wrapper
//
//	package auth_test
//
//	import (
//		"net/http"
//		"testing"
//
//		"example.com/auth"
//		"github.com/safetrip-go/safetrip/transport/rttest"
//	)
//
//	func TestContract(t *testing.T) {
//		rttest.Test(t, func(next http.RoundTripper) http.RoundTripper {
//			return auth.Transport{Next: next, Token: "secret"}
//		})
//	}
//
// Each rule is a sub-test of its own, and a failure says what was seen and the
// sentence that forbids it:
//
//	--- FAIL: TestContract/request-unchanged
//	    during the call, Header 0xc000… map[] became Header 0xc000… map["Authorization":["secret"]]
//	        request-unchanged: the request is the caller's: its fields, its URL, …
//
// # Leaving a rule out
//
// Some wrappers break a rule because that is what they are for. They leave it
// out by name, with the reason:
//
//	rttest.Suite{Omit: map[string]string{
//		"response-unread": "it reads small bodies ahead, so that a cut one is an error",
//	}}.Run(t, wrap)
//
// A wrapper may add headers to the request that it sends and to the response
// that it returns, send a request more than once, and cover an error with its
// own as long as errors.Is, errors.As and Timeout say the same. No rule
// forbids it.
//
// # What the rules run on
//
// Half of the rules need no connection: their bases make the answers up. The
// other half are about sockets and run over real ones, on the loopback
// interface: HTTP/1.1, or HTTP/2 over TLS ([Suite.HTTP2]), directly or through
// whatever [Suite.Dial] leads through. Where a rule says "as without the
// wrapper", the same call is made bare and wrapped, and compared.
// [Suite.Memory] leaves the sockets out, which is quick enough to try every
// pair of many wrappers.
//
// # Testing code that makes calls
//
// [Script] is a base that answers by the book, for tests of one's own:
//
//	base := rttest.Script(503, 503, "fine")
//	client := &http.Client{Transport: policy.Wrap(base)}
//
// It tells what it was sent and how many bodies were left open. [Body] is a
// request's body that knows how often it was read and closed.
//
// # What is left out
//
// The suite does not ask what a wrapper does when it acts: how long it waits,
// when it refuses, what it serves instead. It asks that everything else is as
// if it were not there. HTTP/3, CONNECT and http.Request.Cancel are not tried.
package rttest
