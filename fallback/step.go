package fallback

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/safetrip-go/safetrip/transport"
)

// A Step is one rung of a [Ladder]: something that can answer a request when
// the service does not.
//
// Do is given the caller's request, whose body was sent and closed, and the
// verdict on what became of it. It must not change the request. It returns a
// response; or an error that says why it has none, which is [ErrNoAnswer] if
// that is nothing worth telling. It may be called from many goroutines.
//
// A step that sends something must ask itself what [Alternate] asks: whether
// this request may arrive twice, and who may see the credentials in it.
type Step struct {
	// Name is what the step is called in a [transport.Trip] and in
	// Cache-Status. If empty, it is "step" and its number. A step that does not
	// set the Trip's [transport.Source] is one by its name.
	Name string

	// Do answers req.
	Do func(req *http.Request, v transport.Verdict) (*http.Response, error)
}

// ErrNoAnswer is returned by a [Step] that has no answer for a request, such
// as a cache that never saw it. The ladder then asks the next step.
var ErrNoAnswer = errors.New("fallback: no answer")

// Static returns a step that answers with what fn makes up. It answers GET and
// HEAD, and the further methods that are named: to claim that a POST was done
// is a lie more often than not.
//
// What fn leaves out is filled in: status line, header, body, length. If it
// returns neither a response nor an error, there is no answer. The step's name
// is "static".
func Static(fn func(*http.Request) (*http.Response, error), methods ...string) Step {
	methods = slices.Clone(methods)
	return Step{"static", func(req *http.Request, _ transport.Verdict) (*http.Response, error) {
		if !isRead(req.Method) && !slices.Contains(methods, req.Method) {
			return nil, ErrNoAnswer
		}
		resp, err := fn(req)
		if err != nil || resp == nil {
			return resp, err
		}
		transport.TripFrom(req.Context()).SetAnswer(transport.Answer{Source: transport.SourceStatic})
		return complete(resp, req), nil
	}}
}

// JSON returns a [Static] step that answers with the status and with v as a
// JSON document, which is made at once: JSON panics if v has no JSON form. The
// answer says no-store, lest something made up be kept by somebody.
func JSON(status int, v any, methods ...string) Step {
	doc, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("fallback: JSON: %w", err))
	}
	return Static(func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode:    status,
			ContentLength: int64(len(doc)),
			Body:          io.NopCloser(bytes.NewReader(doc)),
			Header: http.Header{
				"Content-Type":   {"application/json"},
				"Content-Length": {strconv.Itoa(len(doc))},
				"Cache-Control":  {"no-store"},
			},
		}, nil
	}, methods...)
}

// complete fills in what a response that was made by hand may lack.
func complete(resp *http.Response, req *http.Request) *http.Response {
	if resp.StatusCode == 0 {
		resp.StatusCode = http.StatusOK
	}
	if resp.Status == "" {
		resp.Status = statusLine(resp.StatusCode)
	}
	if resp.Proto == "" {
		resp.Proto, resp.ProtoMajor, resp.ProtoMinor = "HTTP/1.1", 1, 1
	}
	if resp.Header == nil {
		resp.Header = make(http.Header)
	}
	switch {
	case resp.Body == nil:
		resp.Body = http.NoBody
	case req.Method == http.MethodHead && resp.Body != http.NoBody:
		resp.Body.Close()
		resp.Body = http.NoBody
	case resp.ContentLength == 0 && resp.Body != http.NoBody:
		resp.ContentLength = -1 // nobody said how long it is
	}
	resp.Request = req
	return resp
}

// isRead says whether a method asks for a representation and nothing else.
func isRead(method string) bool {
	return method == "" || method == http.MethodGet || method == http.MethodHead
}

// statusLine returns a code with its text, as net/http has it in
// Response.Status.
func statusLine(code int) string {
	if code == http.StatusOK {
		return "200 OK"
	}
	return strconv.Itoa(code) + " " + http.StatusText(code)
}
