package main

import (
	"fmt"
	"net/http"
	"strings"
)

// A scenario is one question, and what its requests meet.
type scenario struct {
	does    string
	stream  bool
	faults  []fault
	endless bool // the last fault stays
}

// scenarios are the questions in the order of the table.
func (s *sdk) scenarios() []scenario {
	overloaded := refuse(s.overloaded, "retry-after-ms: 30")
	return []scenario{
		{does: "429, retry-after-ms: 60", faults: []fault{refuse(429, "retry-after-ms: 60")}},
		{does: "429, Retry-After: 1", faults: []fault{refuse(429, "Retry-After: 1")}},
		{does: "503, twice", faults: []fault{refuse(503), refuse(503)}},
		{does: "500, once", faults: []fault{refuse(500)}},
		{does: "503, x-should-retry: false", faults: []fault{refuse(503, "x-should-retry: false")}},
		{does: fmt.Sprintf("%d without end", s.overloaded), faults: []fault{overloaded}, endless: true},
		{does: "an answer cut in half", faults: []fault{{cut: true}}},
		{does: "stream", stream: true},
		{does: "stream, 429 first", stream: true, faults: []fault{refuse(429, "retry-after-ms: 60")}},
		{does: fmt.Sprintf("stream, %d without end", s.overloaded), stream: true, faults: []fault{overloaded}, endless: true},
		{does: "stream, cut after 3 of 6", stream: true, faults: []fault{{cut: true}}},
	}
}

// hopeless is the scenario in which retries show whether they multiply.
var hopeless = scenario{does: "503 without end", faults: []fault{refuse(503, "retry-after-ms: 10")}, endless: true}

// refuse makes a fault of a status and header lines.
func refuse(status int, lines ...string) fault {
	h := make(http.Header)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	return fault{status: status, header: h}
}
