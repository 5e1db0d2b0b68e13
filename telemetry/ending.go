package telemetry

import (
	"net/http"
	"strconv"

	"github.com/safetrip-go/safetrip/transport"
)

// An ending is how an exchange ended, as spans and metrics tell it. It is
// comparable, so that all that is made of it can be kept.
type ending struct {
	status   int    // of the response, 0 if there was none
	fault    string // what went wrong when it was not the status that says so, else ""
	protocol string // network.protocol.version, "" if not known
}

// panicked is the fault of an exchange that a panic ended.
const panicked = "panic"

// endingOf decides how an exchange ended.
//
// A response is an error from 400 on, to a client: that is the conventions'
// rule, whatever the verdict. A response below that which a Classifier finds a
// failure is one by the verdict's category, as is an error. The caller's own
// cancel is no error at all.
func endingOf(v transport.Verdict, resp *http.Response, err error) ending {
	switch {
	case err != nil:
		return ending{fault: faultOf(v)}
	case resp.StatusCode < 400 && v.Outcome == transport.Failed:
		return ending{status: resp.StatusCode, fault: faultOf(v), protocol: protocolOf(resp)}
	}
	return ending{status: resp.StatusCode, protocol: protocolOf(resp)}
}

func faultOf(v transport.Verdict) string {
	switch v.Category {
	case transport.Canceled:
		return ""
	case transport.OK:
		return other
	default:
		return v.Category.String()
	}
}

// errorType returns error.type: the fault, else the status code if it is one
// of an error, else "".
func (e ending) errorType() string {
	switch {
	case e.fault != "":
		return e.fault
	case e.status >= 400:
		return strconv.Itoa(e.status)
	}
	return ""
}

// failed reports whether there is an error.type.
func (e ending) failed() bool { return e.fault != "" || e.status >= 400 }

// protocolOf returns network.protocol.version as the conventions spell it, or
// "" where the response does not say.
func protocolOf(resp *http.Response) string {
	switch [2]int{resp.ProtoMajor, resp.ProtoMinor} {
	case [2]int{1, 0}:
		return "1.0"
	case [2]int{1, 1}:
		return "1.1"
	case [2]int{2, 0}:
		return "2"
	case [2]int{3, 0}:
		return "3"
	}
	return ""
}
