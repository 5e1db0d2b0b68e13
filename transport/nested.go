package transport

import (
	"errors"
	"net/http"
	"strconv"
)

// retriesMark is a response header that says how often an inner Retry sent the
// request again before it gave up. Its colon makes it a name that no server
// can send and that is never written to the wire, as [http.TrailerPrefix] does.
const retriesMark = "Safetrip:Retries"

func markResponse(resp *http.Response, retries int) {
	if resp.Header == nil {
		resp.Header = make(http.Header)
	}
	resp.Header[retriesMark] = []string{strconv.Itoa(retries)}
}

// isNested reports whether somebody else retries this call already: a Retry
// further out, which sent this request again; one further in, which gave up on
// it; or the SDK of an LLM service, which says so in a header.
func isNested(req *http.Request, c *call, resp *http.Response, err error) bool {
	if c.attempt != nil {
		return true
	}
	if s := first(req.Header, "X-Stainless-Retry-Count"); s != "" {
		if n, err := strconv.Atoi(s); err == nil && n > 0 {
			return true
		}
	}
	if resp != nil {
		return resp.Header[retriesMark] != nil
	}
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Retries > 0
}
