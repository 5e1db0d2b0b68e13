package rttest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/safetrip-go/safetrip/transport/rttest"
)

// signer is the most common mistake: it signs the caller's own request.
type signer struct{ next http.RoundTripper }

func (s signer) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("Authorization", "Bearer secret")
	return s.next.RoundTrip(req)
}

// Check is Run for those who want to know rather than to fail.
func ExampleSuite_Check() {
	broken := make(map[string]bool)
	for _, v := range (rttest.Suite{Memory: true}).Check(func(next http.RoundTripper) http.RoundTripper {
		return signer{next}
	}) {
		broken[v.Rule] = true
	}
	for _, rule := range rttest.Rules() {
		if broken[rule.Name] {
			fmt.Printf("%s: %s\n", rule.Name, rule.Sentence)
		}
	}
	// Output:
	// request-unchanged: the request is the caller's: its fields, its URL, its headers and its body are the same before, during and after the call
	// nil-header: a request without Header panics nobody, and its body is closed
	// close-idle: CloseIdleConnections reaches the base
}

// A base that fails twice and then answers, and what it was sent.
func ExampleScript() {
	base := rttest.Script(503, io.ErrUnexpectedEOF, "fine")
	client := http.Client{Transport: base}
	for range 3 {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://billing.test/invoices", strings.NewReader("42"))
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(resp.Status)
		resp.Body.Close()
	}
	fmt.Printf("sent %d times: %s\n", len(base.Sent()), base.Sent()[0].Body)
	fmt.Println("bodies left open:", base.Open())
	// Output:
	// 503 Service Unavailable
	// Post "http://billing.test/invoices": unexpected EOF
	// 200 OK
	// sent 3 times: 42
	// bodies left open: 0
}

// A body that knows whether it was closed.
func ExampleBody() {
	body := &rttest.Body{Reader: strings.NewReader("42")}
	client := http.Client{Transport: rttest.Script(200)}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://billing.test/invoices", body)
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
	fmt.Println("closed:", body.Closes())
	// Output:
	// closed: 1
}
