package healthz

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// HTTP asks a dependency with a GET. The check passes if the answer is a 2xx.
//
// Redirects are not followed, since a dependency that was taken over could
// send the program to places that it alone can reach.
type HTTP struct {
	// Name is the check's name. It is required.
	Name string

	// URL is what to get. It is required.
	URL string

	// Header is sent along. It may be nil.
	Header http.Header

	// Status is the one status code that passes. If zero, every 2xx does.
	Status int

	// Transport sends. If nil, it is [http.DefaultTransport]. With one of the
	// kit's transports, a service whose circuit is open is not asked.
	Transport http.RoundTripper
}

// Check returns the check.
func (h HTTP) Check() Check {
	c := Check{Name: h.Name, Description: "GET of " + origin(h.URL), upstream: true}
	if err := validURL(h.URL); err != nil {
		c.fault = fmt.Errorf("healthz: HTTP %q: URL %w", h.Name, err)
		return c
	}
	h.Header = h.Header.Clone()
	if h.Transport == nil {
		h.Transport = http.DefaultTransport
	}
	c.Run = h.run
	return c
}

func (h HTTP) run(ctx context.Context) Result {
	req, err := http.NewRequestWithContext(transport.WithOperation(ctx, "health check"), http.MethodGet, h.URL, nil)
	if err != nil {
		return Result{Err: err}
	}
	if h.Header != nil {
		req.Header = h.Header.Clone()
	}
	if u := req.URL.User; u != nil && req.Header.Get("Authorization") == "" {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	resp, err := h.Transport.RoundTrip(req)
	if err != nil {
		return Result{Err: err}
	}
	if resp == nil || resp.Body == nil {
		return Result{Err: errNoAnswer}
	}
	transport.Discard(resp)
	if resp.StatusCode == h.Status || h.Status == 0 && resp.StatusCode/100 == 2 {
		return Result{}
	}
	note := fmt.Sprintf("status %d", resp.StatusCode)
	if resp.StatusCode/100 == 3 {
		note += ", and redirects are not followed"
	}
	return Result{Err: statusError{req, resp}, note: note}
}

// A statusError is an answer that does not pass.
type statusError struct {
	req  *http.Request
	resp *http.Response
}

func (e statusError) Error() string { return "healthz: unexpected status" }

var errNoAnswer = errors.New("healthz: neither an answer nor an error")

// TCP dials an address. The check passes if somebody answers.
type TCP struct {
	// Name is the check's name. It is required.
	Name string

	// Address is the host and port. It is required.
	Address string
}

// Check returns the check.
func (t TCP) Check() Check {
	c := Check{Name: t.Name, Description: "TCP connection to " + scrub(t.Address), upstream: true}
	if err := validAddress(t.Address); err != nil {
		c.fault = fmt.Errorf("healthz: TCP %q: Address %w", t.Name, err)
		return c
	}
	c.Run = func(ctx context.Context) Result {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", t.Address)
		if err != nil {
			return Result{Err: err}
		}
		return Result{Err: conn.Close()}
	}
	return c
}

// DNS looks a host up. The check passes if it has an address.
type DNS struct {
	// Name is the check's name. It is required.
	Name string

	// Host is the host's name. It is required.
	Host string

	// Resolver looks up. If nil, it is [net.DefaultResolver].
	Resolver *net.Resolver
}

// Check returns the check.
func (d DNS) Check() Check {
	c := Check{Name: d.Name, Description: "DNS lookup of " + scrub(d.Host), upstream: true}
	if d.Host == "" {
		c.fault = fmt.Errorf("healthz: DNS %q: Host must not be empty", d.Name)
		return c
	}
	c.Run = func(ctx context.Context) Result {
		resolver := d.Resolver
		if resolver == nil {
			resolver = net.DefaultResolver
		}
		_, err := resolver.LookupHost(ctx, d.Host)
		return Result{Err: err}
	}
	return c
}

// Certificate looks at how many days the certificates of a TLS server are
// still valid: the least of those that it shows. A chain that does not verify
// is critical.
type Certificate struct {
	// Name is the check's name. It is required.
	Name string

	// Address is the server's host and port. It is required.
	Address string

	// Days bounds the days that are left; fewer are bad. If zero, 21 and 7; a
	// bound that is negative is off.
	Days Bounds

	// Config is used for the handshake, with a ServerName from Address if it
	// has none. It may be nil.
	Config *tls.Config
}

// Check returns the check. It runs once an hour unless told otherwise.
func (t Certificate) Check() Check {
	c := Check{Name: t.Name, Description: "Certificates of " + scrub(t.Address), upstream: true}
	c.Interval, c.Timeout = time.Hour, 10*time.Second
	bounds := t.Days.or(Bounds{21, 7})
	switch err := validAddress(t.Address); {
	case err != nil:
		c.fault = fmt.Errorf("healthz: Certificate %q: Address %w", t.Name, err)
		return c
	case bounds.Warning >= 0 && bounds.Warning < bounds.Critical:
		c.fault = fmt.Errorf("healthz: Certificate %q: Days.Warning must be at least Days.Critical, %v, is %v", t.Name, bounds.Critical, bounds.Warning)
		return c
	}
	dialer := &tls.Dialer{Config: t.Config.Clone()}
	c.Run = func(ctx context.Context) Result {
		conn, err := dialer.DialContext(ctx, "tcp", t.Address)
		if err != nil {
			return Result{Err: err}
		}
		defer conn.Close()
		left := math.Inf(1)
		if c, ok := conn.(*tls.Conn); ok { // as tls.Dialer promises
			for _, cert := range c.ConnectionState().PeerCertificates {
				left = min(left, time.Until(cert.NotAfter).Hours()/24)
			}
		}
		status, bound := bounds.judgeFloor(left)
		return Result{Status: status, Value: left, Threshold: bound, Unit: "days"}
	}
	return c
}

// validURL says what is wrong with the URL of something to call, without
// repeating it.
func validURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("must be an absolute http or https URL")
	}
	return nil
}

func validAddress(s string) error {
	if host, port, err := net.SplitHostPort(s); err != nil || host == "" || port == "" {
		return errors.New("must be a host and port, such as db.example:5432")
	}
	return nil
}
