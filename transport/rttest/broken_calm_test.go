package rttest

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
)

var brokenCalm = map[string]broken{
	"close-idle": {
		"has no such method": func(next http.RoundTripper) http.RoundTripper { return baseFunc(next.RoundTrip) },
	},
	"pool-left-alone": {
		"purges it after an error": purging(func(resp *http.Response, err error) bool { return err != nil }),
		"purges it after a 503": purging(func(resp *http.Response, err error) bool {
			return err == nil && resp.StatusCode == http.StatusServiceUnavailable
		}),
	},
	"panic": {
		"makes an error of it": func(next http.RoundTripper) http.RoundTripper {
			return baseFunc(func(req *http.Request) (resp *http.Response, err error) {
				defer func() {
					if v := recover(); v != nil {
						err = fmt.Errorf("panic: %v", v)
					}
				}()
				return next.RoundTrip(req)
			})
		},
		"covers it": func(next http.RoundTripper) http.RoundTripper {
			return baseFunc(func(req *http.Request) (resp *http.Response, err error) {
				defer func() {
					if v := recover(); v != nil {
						panic(fmt.Sprintf("wrapped: %v", v))
					}
				}()
				return next.RoundTrip(req)
			})
		},
	},
	"panic-frees": {
		"keeps the slot": func(next http.RoundTripper) http.RoundTripper {
			slots := make(chan struct{}, 4)
			return baseFunc(func(req *http.Request) (*http.Response, error) {
				slots <- struct{}{}
				resp, err := next.RoundTrip(req)
				<-slots
				return resp, err
			})
		},
		"keeps the probe": func(next http.RoundTripper) http.RoundTripper {
			var probing atomic.Bool
			return baseFunc(func(req *http.Request) (*http.Response, error) {
				if !probing.CompareAndSwap(false, true) {
					return nil, errors.New("a probe is under way")
				}
				resp, err := next.RoundTrip(req)
				probing.Store(false)
				return resp, err
			})
		},
	},
	"concurrent": {
		"remembers the answer": func(next http.RoundTripper) http.RoundTripper {
			var last atomic.Pointer[http.Header]
			return baseFunc(func(req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if err == nil && !last.CompareAndSwap(nil, &resp.Header) {
					resp.Header = *last.Load()
				}
				return resp, err
			})
		},
	},
	"goroutines": {
		"one per call": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			go func() { <-forever }()
			return next.RoundTrip(req)
		}),
		"one per wait": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil || resp.Header.Get("Retry-After") == "" {
				return resp, err
			}
			waited := make(chan struct{})
			go func() { <-forever; waited <- struct{}{} }()
			select {
			case <-waited:
			case <-req.Context().Done():
			}
			return resp, err
		}),
	},
}

func purging(when func(*http.Response, error) bool) middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		client := http.Client{Transport: next}
		return baseFunc(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if when(resp, err) {
				client.CloseIdleConnections()
			}
			return resp, err
		})
	}
}
