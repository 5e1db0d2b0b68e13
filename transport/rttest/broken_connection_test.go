package rttest

import (
	"io"
	"net/http"
	"strings"
)

var brokenConnection = map[string]broken{
	"lengths": {"forgets the length": after(func(r *http.Response) { r.ContentLength = -1 })},
	"head": {
		"counts what it reads": after(func(r *http.Response) { r.ContentLength = 0 }),
		"asks for all of it":   before(func(r *http.Request) { r.Method = http.MethodGet }),
	},
	"no-content": {
		"makes an error of a 304": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode >= 300 {
				resp.Body.Close()
				return nil, errBroken
			}
			return resp, err
		}),
		"gives a 204 a body": after(func(r *http.Response) {
			if r.StatusCode == http.StatusNoContent {
				r.Body = io.NopCloser(strings.NewReader("{}"))
			}
		}),
	},
	"gzip": {
		"asks for gzip itself": before(func(r *http.Request) {
			r.Header = r.Header.Clone()
			r.Header.Set("Accept-Encoding", "gzip")
		}),
		"forgets Uncompressed": after(func(r *http.Response) { r.Uncompressed = false }),
	},
	"response-trailers": {
		"copies the response": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			again := *resp
			return &again, nil
		}),
		"hides the trailer": wrapped(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			again := *resp
			again.Trailer = resp.Trailer.Clone()
			return &again, nil
		}),
	},
	"request-trailers": {"clones the request": cloned},
	"informational":    {"has a context of its own": blank},
	"httptrace":        {"has a context of its own": blank},
	"tls":              {"forgets TLS": after(func(r *http.Response) { r.TLS = nil })},
	"http2":            {"closes the connection": before(func(r *http.Request) { r.Close = true })},
	"reverse-proxy": {
		"sends with a client": func(next http.RoundTripper) http.RoundTripper {
			client := http.Client{Transport: next}
			return baseFunc(client.Do)
		},
		"forgets Host": before(func(r *http.Request) { r.Host = "" }),
	},
	"events":  {"reads all of it": hungryOut},
	"uploads": {"reads all of it": hungryIn},
	"duplex": {
		"reads all of the request":  hungryIn,
		"reads all of the response": hungryOut,
	},
	"expect-continue": {"reads all of it": hungryIn},
	"early-answer":    {"reads all of it": hungryIn},
	"upgrade":         {"hides Write": hidden},
	"cut-body":        {"takes an error for the end": shortIsFine, "returns what it could read": hungryOut},
	"cut-chunks":      {"takes an error for the end": shortIsFine, "returns what it could read": hungryOut},
	"no-answer":       {"keeps the text alone": textOnly, "makes an answer of it": badGateway},
	"malformed":       {"makes an answer of it": badGateway},
	"refused":         {"keeps the text alone": textOnly, "makes an answer of it": badGateway},
	"untrusted":       {"keeps the text alone": textOnly, "makes an answer of it": badGateway},
	"hang-up":         {"keeps the text alone": textOnly, "detaches the context": detached, "covers the timeout": covered},
	"hang-up-in-body": {"takes an error for the end": shortIsFine, "detaches the context": detached},
	"client-timeout": {
		"takes an error for the end": shortIsFine,
		"writes the request anew": before(func(r *http.Request) {
			again, _ := http.NewRequest(r.Method, r.URL.String(), r.Body)
			*r = *again
		}),
	},
	"hang-up-arrives": {"hides Close": closeless, "detaches the context": detached},
	"reuse":           {"closes without reading": resending(func(r *http.Response) { r.Body.Close() })},
	"endless-discarded": {
		"reads to the end": resending(func(r *http.Response) {
			drain(r.Body)
			r.Body.Close()
		}),
		"reads up to a bound of bytes alone": resending(func(r *http.Response) {
			drain(io.LimitReader(r.Body, 64<<10))
			r.Body.Close()
		}),
	},
	"large-response":        {"reads all of it": hungryOut},
	"large-upload":          {"reads all of it": hungryIn},
	"large-over-connection": {"reads all of the response": hungryOut, "reads all of the request": hungryIn},
}
