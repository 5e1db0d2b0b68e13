package fallback

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/safetrip-go/safetrip/transport"
)

// Alternative describes another service that can answer in place of one that
// fails: a second region, a cheaper model. Its Step is a rung of a [Ladder].
//
// A step that sends follows the rules of [transport.Retry]: the request must
// be idempotent (RFC 9110, section 9.2.2), or carry an Idempotency-Key, or
// provably not have been processed; and its body must be empty or to be had
// again by GetBody. UnsafeMethods widens that. An answer that is itself an error
// does not count as one.
//
// Credentials go to another host only if SameTrust says so. Headers are taken
// out; a request whose URL has a credential in its query (key, api_key, token,
// sig and the like) is not sent, unless Prepare took it out or put another one
// there. Nor can a host that is not trusted ask for them: its redirects, which
// the client would follow with all that it has, do not count as answers, and
// its Set-Cookie, which the client would take for the first host's, is taken
// out.
type Alternative struct {
	// URL is where the other service is: scheme and host, and a path that is
	// put before the request's own. If empty, the request keeps its URL, and
	// the RoundTripper is trusted to know where it leads.
	URL string

	// SameTrust lets credentials (the headers that [Cache] lists, those that
	// look like one, and the user and password of a URL) go to the other
	// service. Without it they are taken out, unless URL has the scheme of the
	// request, and its host both in its URL and in Host.
	SameTrust bool

	// Credentials has further headers that carry credentials.
	Credentials []string

	// UnsafeMethods sends requests of every method, whatever became of them at
	// the service: what a POST asks for may then be done twice, once there and
	// once here. It is for work that changes nothing, such as a question to a
	// language model, which costs its tokens again. A payment may be made twice.
	UnsafeMethods bool

	// Prepare, if not nil, may change the copy of the request that is about to
	// be sent: sign it for the other service, ask for another model. It must
	// not change the map or slice that it did not make itself; the header is
	// a copy already. It must be safe for concurrent use.
	Prepare func(*http.Request) error

	// Classifier judges the answer. If nil, it is transport.Classify.
	Classifier transport.Classifier
}

// Validate returns an error that names every field out of its bounds.
func (a Alternative) Validate() error {
	if a.URL == "" {
		return nil
	}
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme == "" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("fallback: Alternative.URL must have a scheme and a host, and neither a query nor a fragment")
	}
	return nil
}

// Alternate returns a step that sends the request through rt, without its
// credentials: it is Alternative{}.Step(rt).
func Alternate(rt http.RoundTripper) Step { return Alternative{}.Step(rt) }

// Step returns a step named "alternate" that sends through rt. If rt is nil,
// it is [http.DefaultTransport]; better is a chain with a circuit of its own,
// lest a second dead service be waited for. Step panics if a is not valid.
func (a Alternative) Step(rt http.RoundTripper) Step {
	if err := a.Validate(); err != nil {
		panic(err)
	}
	if rt == nil {
		rt = http.DefaultTransport
	}
	if a.Classifier == nil {
		a.Classifier = transport.Classify
	}
	alt := &alternate{Alternative: a, names: credentialNames(a.Credentials), rt: rt}
	if a.URL != "" {
		alt.target, _ = url.Parse(a.URL) // Validate has seen it
	}
	return Step{"alternate", alt.do}
}

type alternate struct {
	Alternative
	target *url.URL
	names  nameSet
	rt     http.RoundTripper
}

func (a *alternate) do(req *http.Request, v transport.Verdict) (*http.Response, error) {
	if !a.UnsafeMethods && !mayArriveTwice(req, v) {
		return nil, ErrNoAnswer
	}
	out, err := a.request(req)
	if err != nil {
		return nil, err
	}
	trusted := a.trusts(req)
	resp, err := a.rt.RoundTrip(out)
	verdict := a.Classifier(out, resp, err)
	switch {
	case err != nil || resp == nil || verdict.Category != transport.OK:
		transport.Discard(resp)
		return nil, failure(resp, err, verdict)
	case !trusted && isRedirect(resp):
		transport.Discard(resp)
		return nil, fmt.Errorf("fallback: alternate: answered %d: a redirect of a host that is not trusted", resp.StatusCode)
	case !trusted:
		resp.Header = maps.Clone(resp.Header)
		deleteAll(resp.Header, "Set-Cookie")
	}
	transport.TripFrom(req.Context()).SetAnswer(transport.Answer{Source: transport.SourceAlternate})
	disown(complete(resp, req))
	return resp, nil
}

// trusts says whether the other service may have what the request has: it is
// the same one under another path, or SameTrust says so.
func (a *alternate) trusts(req *http.Request) bool {
	if a.SameTrust || a.target == nil || req.URL == nil {
		return a.SameTrust
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	return strings.EqualFold(req.URL.Scheme, a.target.Scheme) && strings.EqualFold(req.URL.Host, a.target.Host) && strings.EqualFold(host, a.target.Host)
}

// isRedirect says whether a client would follow resp.
func isRedirect(resp *http.Response) bool {
	return resp.StatusCode >= 300 && resp.StatusCode <= 399 && resp.Header.Get("Location") != ""
}

// request makes the copy that is sent. It is a shallow one, so that context,
// trailers and everything else stay what the caller set.
func (a *alternate) request(req *http.Request) (*http.Request, error) {
	out := *req
	if hasBody(req) {
		if req.GetBody == nil {
			return nil, errors.New("fallback: alternate: the body cannot be had again: the request has no GetBody")
		}
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("fallback: alternate: %w", err)
		}
		out.Body = body
	}
	if out.Header = req.Header.Clone(); out.Header == nil {
		out.Header = make(http.Header)
	}
	a.direct(&out, a.trusts(req))
	if err := a.prepare(&out, req); err != nil {
		if out.Body != nil {
			out.Body.Close()
		}
		return nil, fmt.Errorf("fallback: alternate: %w", err)
	}
	return &out, nil
}

// prepare lets the user change out, and then looks for what must not go out.
func (a *alternate) prepare(out, req *http.Request) error {
	if a.Prepare != nil {
		if err := a.Prepare(out); err != nil {
			return err
		}
	}
	if out.URL == nil || req.URL == nil || a.trusts(req) {
		return nil
	}
	if name := sameSecret(out.URL.RawQuery, req.URL.RawQuery); name != "" {
		return fmt.Errorf("the query has a credential (%s), and the host is not trusted with it", name)
	}
	return nil
}

// direct turns out towards the other service.
func (a *alternate) direct(out *http.Request, trusted bool) {
	if out.URL == nil {
		return
	}
	u := *out.URL
	if a.target != nil {
		u.Scheme, u.Host = a.target.Scheme, a.target.Host
		if path := strings.TrimSuffix(a.target.Path, "/"); path != "" {
			u.RawPath = strings.TrimSuffix(a.target.EscapedPath(), "/") + "/" + strings.TrimPrefix(u.EscapedPath(), "/")
			u.Path = path + "/" + strings.TrimPrefix(u.Path, "/")
		}
		out.Host = ""
	}
	if !trusted {
		a.removeCredentials(out.Header)
		u.User = nil
	}
	if a.target != nil && a.target.User != nil {
		u.User = a.target.User
	}
	out.URL = &u
}

func (a *alternate) removeCredentials(h http.Header) {
	for name := range h {
		if a.names.has(name) || looksSecret(name) {
			delete(h, name)
		}
	}
}

// failure says why an answer does not count.
func failure(resp *http.Response, err error, v transport.Verdict) error {
	if err != nil {
		return err
	}
	if resp == nil {
		return errors.New("fallback: alternate: the RoundTripper returned neither a response nor an error")
	}
	return fmt.Errorf("fallback: alternate: answered %d (%s)", resp.StatusCode, v.Category)
}

// mayArriveTwice says whether a request whose fate is v may be sent to
// somebody else.
func mayArriveTwice(req *http.Request, v transport.Verdict) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return v.Sent == transport.Unsent ||
		v.Category == transport.RateLimit && v.Sent == transport.Answered || // it was turned away at the door
		req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != ""
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }
