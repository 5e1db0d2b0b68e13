package telemetry

import (
	"net/http"
	"os"
	"slices"
	"strings"
)

// methodsVariable is the environment variable by which the conventions let a
// user replace the list of known methods.
const methodsVariable = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"

// standardMethods are the methods that the conventions know: those of RFC
// 9110, PATCH of RFC 5789, and QUERY.
var standardMethods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodHead,
	http.MethodPatch, http.MethodOptions, http.MethodConnect, http.MethodTrace, "QUERY",
}

// methods are the known ones.
type methods []string

// knownMethods returns the user's list, else the environment's, else the
// standard one. Each replaces the next in full.
func knownMethods(list []string) methods {
	if list != nil {
		return slices.Clone(list)
	}
	if s := os.Getenv(methodsVariable); s != "" {
		for m := range strings.SplitSeq(s, ",") {
			list = append(list, strings.TrimSpace(m))
		}
		return list
	}
	return standardMethods
}

// of returns the http.request.method of a request whose Method is m: m itself
// if it is known, and _OTHER if not. Methods are case-sensitive (RFC 9110,
// section 9.1), so "get" is not known.
func (known methods) of(m string) string {
	if m == "" {
		return http.MethodGet
	}
	if i := slices.Index(known, m); i >= 0 {
		return known[i] // and not m, which may be part of something larger
	}
	return other
}

// spanName returns the name of an attempt's span, "GET" or "GET /users/{id}".
// A raw path is never part of it.
func spanName(method, template string) string {
	if method == other {
		method = "HTTP"
	}
	if template == "" {
		return method
	}
	return method + " " + template
}
