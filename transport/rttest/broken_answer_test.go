package rttest

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"sync"
)

var brokenAnswer = map[string]broken{
	"response-xor-error": {
		"returns both": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode >= 500 {
				return resp, errBroken
			}
			return resp, err
		}),
		"returns neither": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, _ := next.RoundTrip(req)
			return resp, nil
		}),
	},
	"nothing-from-base": {
		"looks at the status": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode == http.StatusServiceUnavailable {
				return next.RoundTrip(req)
			}
			return resp, err
		}),
		"makes an answer up": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if resp, err := next.RoundTrip(req); resp != nil || err != nil {
				return resp, err
			}
			return answer(req, http.StatusBadGateway, "nothing"), nil
		}),
	},
	"bare-response": {
		"closes a nil body": resending(func(r *http.Response) { r.Body.Close() }),
		"writes a header":   after(func(r *http.Response) { r.Header.Set("X-Attempts", "1") }),
		"wraps a nil body":  hidden,
	},
	"callers-request": {
		"leaves its copy there": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(req.Context()))
		}),
	},
	"response-complete": {
		"makes a new one": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			return &http.Response{Status: resp.Status, StatusCode: resp.StatusCode, Header: resp.Header, Body: resp.Body, Request: req}, nil
		}),
		"makes names canonical": after(func(r *http.Response) {
			header := make(http.Header)
			for name, values := range r.Header {
				for _, v := range values {
					header.Add(name, v)
				}
			}
			r.Header = header
		}),
		"forgets TLS":          after(func(r *http.Response) { r.TLS = nil }),
		"forgets Uncompressed": after(func(r *http.Response) { r.Uncompressed = false }),
	},
	"base-called-once": {
		"sends twice": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if resp, err := next.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
			return next.RoundTrip(req)
		}),
	},
}

// locked is a body whose Close waits for its Read.
type locked struct {
	io.ReadCloser
	mu *sync.Mutex
}

func (l locked) Read(buf []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ReadCloser.Read(buf)
}

func (l locked) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ReadCloser.Close()
}

var brokenBody = map[string]broken{
	"response-unread": {"reads all of it": hungryOut},
	"response-closed": {"hides Close": closeless},
	"close-ends-read": {"locks": after(func(r *http.Response) { r.Body = locked{r.Body, new(sync.Mutex)} })},
	"body-errors":     {"takes an error for the end": shortIsFine, "returns what it could read": hungryOut},
	"switched-body":   {"hides Write": hidden},
	"context-lives": {
		"cancels on return": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithCancel(req.Context())
			defer cancel()
			return next.RoundTrip(req.WithContext(ctx))
		}),
	},
}

var brokenFailure = map[string]broken{
	"causes":  {"keeps the text alone": textOnly, "makes an answer of it": badGateway},
	"timeout": {"covers the timeout": covered},
	"dead-context": {
		"has its own error": failing(func(error) error { return errBroken }),
		"does not look":     blank,
		"returns the context's error, not the cause": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if err := req.Context().Err(); err != nil {
				return nil, err
			}
			return next.RoundTrip(req)
		}),
	},
	"cancel":       {"keeps the text alone": textOnly, "detaches the context": detached},
	"cancel-cause": {"keeps the text alone": textOnly, "returns the context's error": overWith(context.Canceled)},
	"deadline":     {"keeps the text alone": textOnly, "covers the timeout": covered, "detaches the context": detached},
	"cancel-wait": {
		"waits come what may": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.Header.Get("Retry-After") != "" {
				<-forever
			}
			return resp, err
		}),
		"has its own error": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.Header.Get("Retry-After") != "" {
				<-req.Context().Done()
				resp.Body.Close()
				return nil, errBroken
			}
			return resp, err
		}),
	},
	"cancel-passes-on": {"detaches the context": detached},
}

// overWith replaces the error of a call whose context is over.
func overWith(instead error) middleware {
	return wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err != nil && req.Context().Err() != nil {
			return nil, instead
		}
		return resp, err
	})
}

var brokenClient = map[string]broken{
	"redirects": {"follows them": following},
	"redirected-body": {
		"takes GetBody away": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req.GetBody = nil
			return next.RoundTrip(req)
		}),
	},
	"cookies": {
		"follows them": following,
		"remembers them": func(next http.RoundTripper) http.RoundTripper {
			jar, _ := cookiejar.New(nil)
			return before(func(r *http.Request) {
				r.Header = r.Header.Clone()
				for _, c := range jar.Cookies(r.URL) {
					r.AddCookie(c)
				}
			})(after(func(r *http.Response) { jar.SetCookies(r.Request.URL, r.Cookies()) })(next))
		},
		"drops them": after(func(r *http.Response) { r.Header.Del("Set-Cookie") }),
	},
}

// following sends with a client of its own, like a library that is one.
func following(next http.RoundTripper) http.RoundTripper {
	client := http.Client{Transport: next}
	return baseFunc(func(req *http.Request) (*http.Response, error) {
		inner := req.Clone(req.Context())
		inner.RequestURI = ""
		return client.Do(inner)
	})
}
