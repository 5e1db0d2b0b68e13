package main

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// want has the rows of the taxonomy: what goes wrong, and category, severity,
// recoverable, retryable, outcome.
const want = `
an unsupported scheme: validation low yes no neutral
400 Bad Request: validation low yes no success
413 Request Entity Too Large: validation low yes no success
422 Unprocessable Entity: validation low yes no success
JSON that is none: validation low yes no success
a number that is none: validation low yes no success
nobody listens: network medium yes yes failure
the connection is reset: network medium yes yes failure
a certificate that nobody trusts: network medium no no failure
the database's connection is bad: network medium yes yes failure
421 Misdirected Request: network medium yes yes failure
no answer within 200ms: timeout medium yes yes failure
the caller's own deadline: timeout medium yes no failure
408 Request Timeout: timeout medium yes yes failure
504 Gateway Timeout: timeout medium yes yes failure
404 Not Found: data medium no no success
410 Gone: data medium no no success
an answer that is not HTTP: data medium no no failure
a body that was cut: data medium no yes failure
the same, to a POST: data medium no no failure
no rows: data medium no no success
no such file: data medium no no success
500 Internal Server Error: system high yes yes failure
502 Bad Gateway: system high yes yes failure
503 Service Unavailable: system high yes yes failure
501 Not Implemented: system high no no failure
505 HTTP Version Not Supported: system high no no failure
a fault of our own program: system high no no failure
no file descriptors are left: system critical no no neutral
401 Unauthorized: auth medium no no neutral
407 Proxy Authentication Required: auth medium no no neutral
402 Payment Required: business_logic medium no no success
403 Forbidden: business_logic medium no no success
409 Conflict: business_logic medium no no success
an error that nobody knows: business_logic medium no no failure
429 Too Many Requests: rate_limit medium yes yes neutral
425 Too Early: rate_limit medium yes yes neutral
the circuit is open: circuit_open medium yes no neutral
no place is free: rate_limit medium yes no neutral
the caller cancels: canceled low no no neutral
`

func TestEveryRowOfTheTaxonomy(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	table, statistics, _ := strings.Cut(out.String(), "\n\n")
	rows := strings.Split(strings.TrimSpace(table), "\n")[1:]
	wanted := strings.Split(strings.TrimSpace(want), "\n")
	if len(rows) != len(wanted) {
		t.Errorf("there are %d rows, want %d", len(rows), len(wanted))
	}
	for i, row := range rows[:min(len(rows), len(wanted))] {
		cells := regexp.MustCompile(` {2,}`).Split(strings.TrimSpace(row), -1)
		if got := cells[0] + ": " + strings.Join(cells[1:], " "); got != wanted[i] {
			t.Errorf("\n got %s\nwant %s", got, wanted[i])
		}
	}

	sum := 0
	for _, m := range regexp.MustCompile(`(?m)^  [a-z_]+ +(\d+)$`).FindAllStringSubmatch(statistics, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if calls := len(wanted) + 1; sum != calls { // the circuit takes two
		t.Errorf("error_statistics counts %d failures, want the %d that there were:\n%s", sum, calls, statistics)
	}
}
