package transport

import (
	"errors"
	"strings"
)

// texts knows the errors of net/http that have no type of their own to look
// for, by how their text begins. A test provokes each of them for real, so
// that a new Go release that words one differently is noticed.
var texts = []struct {
	prefix  string
	verdict Verdict
}{
	// Requests that net/http refuses to send.
	{"http: nil Request.URL", invalid},
	{"http: nil Request.Header", invalid},
	{"net/http: invalid header ", invalid},
	{"net/http: invalid trailer ", invalid},
	{"net/http: invalid method ", invalid},
	{"unsupported protocol scheme ", invalid},
	{"http: no Host in request URL", invalid},
	{"http: invalid Host header", invalid},
	{"http: Request.ContentLength=", invalid},

	// A body that is longer or shorter than its request said. Some of it may
	// have been sent.
	{"http: ContentLength=", Verdict{Outcome: Neutral, Category: Validation, Severity: Low, Recoverable: true}},

	// Answers that make no sense.
	{"malformed HTTP ", lasting(Data, Maybe)},
	{"net/http: server response headers exceeded ", lasting(Data, Maybe)},
	{"http: message cannot contain multiple Content-Length headers", lasting(Data, Maybe)},
	{"bad Content-Length ", lasting(Data, Maybe)},
	{"invalid byte in chunk length", lasting(Data, Maybe)},
	{"malformed chunked encoding", lasting(Data, Maybe)},

	// Connections that ended.
	{"http: server closed idle connection", passing(Network, Maybe)},
	{"http2: server sent GOAWAY", passing(Network, Maybe)},
	{"http2: Transport received GOAWAY", passing(Network, Maybe)},
	{"http2: client connection lost", passing(Network, Maybe)},
	{"net/http: TLS handshake timeout", passing(TimedOut, Unsent)},
}

// lookUpText looks for err, and for each error that it wraps, in the table.
func lookUpText(err error) (Verdict, bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		text := err.Error()
		for i := range texts {
			if strings.HasPrefix(text, texts[i].prefix) {
				return texts[i].verdict, true
			}
		}
	}
	return Verdict{}, false
}
