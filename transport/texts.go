package transport

import (
	"errors"
	"strings"
)

// texts knows the errors of net/http that have no type of their own to look
// for, by how their text begins. A test provokes each of them for real, so
// that a new Go release that words one differently is noticed.
var texts = []knownText{
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

	// What is found to be wrong while it is written: a body that is longer or
	// shorter than its request said. Some of it may have been sent.
	{"http: ContentLength=", invalidLate},
	{"invalid Trailer key ", invalidLate},

	// Request.Cancel was closed.
	{"net/http: request canceled", callersCancel},

	// Answers that make no sense.
	{"malformed HTTP ", lasting(Data, Maybe)},
	{"net/http: server response headers exceeded ", lasting(Data, Maybe)},
	{"http: message cannot contain multiple Content-Length headers", lasting(Data, Maybe)},
	{"bad Content-Length ", lasting(Data, Maybe)},
	{"invalid empty Content-Length ", lasting(Data, Maybe)},
	{"unsupported transfer encoding: ", lasting(Data, Maybe)},
	{"too many transfer encodings: ", lasting(Data, Maybe)},
	{"invalid byte in chunk length", lasting(Data, Maybe)},
	{"empty hex number for chunk length", lasting(Data, Maybe)},
	{"http chunk length too large", lasting(Data, Maybe)},
	{"malformed chunked encoding", lasting(Data, Maybe)},
	{"chunked encoding contains too much non-data", lasting(Data, Maybe)},
	{"chunked line ends with bare LF", lasting(Data, Maybe)},
	{"invalid CR in chunked line", lasting(Data, Maybe)},
	{"header line too long", lasting(Data, Maybe)},
	{"http: suspiciously long trailer after chunked body", lasting(Data, Maybe)},
	{"http: unexpected EOF reading trailer", cut},
	{"connection error: ", lasting(Data, Maybe)}, // of HTTP/2: the frames make no sense
	{"http2: failed reading the frame payload: ", lasting(Data, Maybe)},

	// Connections that ended.
	{"http: server closed idle connection", passing(Network, Maybe)},
	{"http2: server sent GOAWAY", passing(Network, Maybe)},
	{"http2: Transport received GOAWAY", passing(Network, Maybe)},
	{"http2: client connection lost", passing(Network, Maybe)},
	{"http2: client connection force closed", passing(Network, Maybe)},
	{"http2: client conn is closed", passing(Network, Maybe)},
	{"http2: client conn could not be established", passing(Network, Unsent)},
	{"http2: client conn not usable", passing(Network, Unsent)},
	{"net/http: cannot rewind body after connection loss", passing(Network, Unsent)}, // or it had been lost for good
	{"http2: Transport: cannot retry err ", passing(Network, Maybe)},
	{"net/http: TLS handshake timeout", passing(TimedOut, Unsent)},
	{"net/http: timeout awaiting response headers", passing(TimedOut, Maybe)},

	// What package crypto/tls finds wrong by itself.
	{"tls: ", lasting(Network, Maybe)},
}

type knownText struct {
	prefix  string
	verdict Verdict
}

// String is as much of the text as is known: the prefix, which holds nothing
// of the request or the answer.
func (k knownText) String() string {
	if strings.HasSuffix(k.prefix, " ") || strings.HasSuffix(k.prefix, "=") {
		return k.prefix + "…"
	}
	return k.prefix
}

// invalidLate is a request of which some was sent before it was found to be
// wrong.
var invalidLate = Verdict{Outcome: Neutral, Category: Validation, Severity: Low, Recoverable: true}

// textOf returns the entry of err, or of an error that it wraps, nil if there
// is none.
func textOf(err error) *knownText {
	for ; err != nil; err = errors.Unwrap(err) {
		text := err.Error()
		for i := range texts {
			if strings.HasPrefix(text, texts[i].prefix) {
				return &texts[i]
			}
		}
	}
	return nil
}
