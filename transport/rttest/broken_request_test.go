package rttest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

var brokenRequest = map[string]broken{
	"request-unchanged": {
		"sets a header": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req.Header.Set("X-Trace", "1")
			return next.RoundTrip(req)
		}),
		"sets a header and takes it back": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req.Header.Set("X-Trace", "1")
			defer req.Header.Del("X-Trace")
			return next.RoundTrip(req)
		}),
		"replaces the body": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if req.Body != nil {
				req.Body = io.NopCloser(req.Body)
			}
			return next.RoundTrip(req)
		}),
		"rewrites the URL": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req.URL.Path = "/v2" + req.URL.Path
			return next.RoundTrip(req)
		}),
	},
	"request-complete": {
		"makes names canonical": before(func(r *http.Request) {
			header := make(http.Header)
			for name, values := range r.Header {
				for _, v := range values {
					header.Add(name, v)
				}
			}
			r.Header = header
		}),
		"forgets Host":         before(func(r *http.Request) { r.Host = "" }),
		"forgets RequestURI":   before(func(r *http.Request) { r.RequestURI = "" }),
		"forgets Close":        before(func(r *http.Request) { r.Close = false }),
		"forgets the method":   before(func(r *http.Request) { r.Method = http.MethodGet }),
		"writes the URL anew":  before(func(r *http.Request) { u := *r.URL; u.RawPath, u.Opaque = "", ""; r.URL = &u }),
		"forgets the length":   before(func(r *http.Request) { r.ContentLength = -1 }),
		"forgets the trailer":  before(func(r *http.Request) { r.Trailer = nil }),
		"forgets the encoding": before(func(r *http.Request) { r.TransferEncoding = nil }),
	},
	"context-values":    {"has a context of its own": blank},
	"trailers-set-late": {"clones the request": cloned},
	"no-body": {
		"makes NoBody of nil": before(func(r *http.Request) {
			if r.Body == nil {
				r.Body = http.NoBody
			}
		}),
		"wraps NoBody": before(func(r *http.Request) {
			if r.Body != nil {
				r.Body = struct{ io.ReadCloser }{r.Body}
			}
		}),
	},
	"body-as-it-is": {"wraps the body": before(func(r *http.Request) { r.Body = struct{ io.ReadCloser }{r.Body} })},
	"get-body":      {"forgets GetBody": before(func(r *http.Request) { r.GetBody = nil })},
	"body-unread": {
		"reads all of it": hungryIn,
		"sniffs": before(func(r *http.Request) {
			first := make([]byte, 1)
			n, _ := r.Body.Read(first)
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(strings.NewReader(string(first[:n])), r.Body), r.Body}
		}),
	},
	"nil-url": {
		"looks at the host": before(func(r *http.Request) { r.Host = r.URL.Host }),
		"refuses without closing the body": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if req.URL == nil {
				return nil, errBroken
			}
			return next.RoundTrip(req)
		}),
		"answers": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if req.URL == nil {
				req.Body.Close()
				return answer(req, http.StatusBadRequest, "no URL"), nil
			}
			return next.RoundTrip(req)
		}),
	},
	"nil-header": {
		"sets a header": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			req.Header.Set("X-Trace", "1")
			return next.RoundTrip(req)
		}),
		"refuses without closing the body": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if req.Header == nil {
				return nil, errBroken
			}
			return next.RoundTrip(req)
		}),
	},
	"whole-body-each-attempt": {
		"sends the rest of the body":  resending(func(r *http.Response) { r.Body.Close() }),
		"sends a file from its start": fromTheStart,
	},
	"discarded-closed": {"forgets the discarded answer": resending(func(*http.Response) {})},
	"last-answer": {
		"makes an error of a 503": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode >= 500 {
				resp.Body.Close()
				return nil, errBroken
			}
			return resp, err
		}),
		"returns a closed body": after(func(r *http.Response) {
			if r.StatusCode >= 400 {
				r.Body.Close()
			}
		}),
		"returns the first answer": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode == http.StatusServiceUnavailable {
				if again, err := next.RoundTrip(req); err == nil {
					again.Body.Close()
				}
			}
			return resp, err
		}),
	},
}

// fromTheStart buffers the body, and rewinds what can be rewound before.
var fromTheStart = before(func(r *http.Request) {
	if s, ok := r.Body.(io.Seeker); ok {
		_, _ = s.Seek(0, io.SeekStart)
	}
})

var brokenClosing = map[string]broken{
	"body-closed": {
		"never closes": before(func(r *http.Request) { r.Body = io.NopCloser(r.Body) }),
		"closes once more": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			defer req.Body.Close()
			return next.RoundTrip(req)
		}),
	},
	"body-closed-on-error": {
		"closes once more": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				req.Body.Close()
			}
			return resp, err
		}),
	},
	"body-closed-when-refused": {
		"refuses without closing": func(next http.RoundTripper) http.RoundTripper {
			var failures atomic.Int64
			return baseFunc(func(req *http.Request) (*http.Response, error) {
				if failures.Load() >= 5 {
					return nil, errors.New("circuit open")
				}
				resp, err := next.RoundTrip(req)
				if err != nil {
					failures.Add(1)
				}
				return resp, err
			})
		},
	},
	"body-closed-when-dead": {
		"returns at once": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			if req.Context().Err() != nil {
				return nil, context.Cause(req.Context())
			}
			return next.RoundTrip(req)
		}),
	},
	"copies-closed": {
		"hides the copy's Close": before(func(r *http.Request) {
			r.Body.Close()
			body, _ := r.GetBody()
			r.Body = io.NopCloser(body)
		}),
		"makes a copy for nothing": before(func(r *http.Request) { _, _ = r.GetBody() }),
	},
}
