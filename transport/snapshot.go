package transport

import "time"

// The types here are how the kit's parts are looked at from outside: by the
// health page, by metrics, by your own code. They are plain values, copies of
// a moment. Those of the ladder and the cache are here too, so that packages
// healthz and telemetry need not know package fallback.

// State is a circuit's state.
type State uint8

// The states.
const (
	Closed   State = iota // calls pass
	Open                  // calls are refused
	HalfOpen              // a few calls pass, as probes
)

// String returns closed, open or half-open.
func (s State) String() string { return word(states[:], int(s)) }

// MarshalText makes a state's word its JSON form.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var states = [...]string{Closed: "closed", Open: "open", HalfOpen: "half-open"}

// A Circuit is a snapshot of one circuit of a [Breaker].
type Circuit struct {
	Key         string        `json:"key"`
	State       State         `json:"state"`
	Failures    int           `json:"failure_count"`
	Threshold   int           `json:"failure_threshold"`
	LastFailure time.Time     `json:"last_failure_time,omitzero"`
	Successes   int           `json:"successes"`          // probes in a row that went well
	Left        time.Duration `json:"time_left_ns"`       // until an open circuit lets a probe pass
	Rejected    uint64        `json:"rejected,omitempty"` // calls refused since it was made
}

// A LadderState is a snapshot of one key of a fallback ladder.
type LadderState struct {
	Ladder string    `json:"ladder"`
	Key    string    `json:"key"`
	Level  Level     `json:"level"`
	Since  time.Time `json:"since,omitzero"`
	Reason Category  `json:"reason"` // of the last failure it stepped down for
}

// A CacheState is a snapshot of a response cache.
type CacheState struct {
	Entries int    `json:"entries"` // items in the store; a response takes two
	Bytes   int64  `json:"bytes"`
	Max     int64  `json:"max_bytes"`
	Hits    uint64 `json:"hits"`   // answers served
	Misses  uint64 `json:"misses"` // asked for and not there
	Stored  uint64 `json:"stored"`
	Evicted uint64 `json:"evicted"` // items dropped to make room
	Errors  uint64 `json:"errors"`  // the store failed; counted as misses too
}

// A BudgetState is a snapshot of one key of a retry [Budget].
type BudgetState struct {
	Key     string `json:"key"`
	Calls   int    `json:"calls"`   // in the window
	Retries int    `json:"retries"` // in the window
	Left    int    `json:"left"`    // retries that would be granted now
}

// Traffic is a snapshot of [Stats].
type Traffic struct {
	// Since the Stats was first used.
	Total     uint64    `json:"total_requests"`
	Succeeded uint64    `json:"successful_requests"`
	Failed    uint64    `json:"failed_requests"`
	Neutral   uint64    `json:"neutral_requests"`
	InFlight  int64     `json:"in_flight"`
	Last      time.Time `json:"last_request_time,omitzero"`

	Mean time.Duration `json:"average_response_time_ns"` // of all calls

	// Of the window alone.
	Window Window `json:"window"`

	// Errors counts failed and neutral calls under category_severity, such as
	// "network_medium".
	Errors map[string]uint64 `json:"error_statistics"`

	// Consecutive has each operation's failures in a row, where there are any
	// and the last is less than 10 minutes ago.
	Consecutive map[string]int `json:"consecutive_failures"`
}

// A Window is what [Stats] saw in the last while.
type Window struct {
	Length  time.Duration `json:"length_ns"`
	Total   uint64        `json:"total"` // successes and failures; neutral calls are not counted
	Failed  uint64        `json:"failed"`
	P50     time.Duration `json:"p50_ns"`
	P95     time.Duration `json:"p95_ns"`
	P99     time.Duration `json:"p99_ns"`
	Longest time.Duration `json:"max_ns"`
}

// ErrorRate returns the share of calls that failed, from 0 to 1; of no calls
// it is 0.
func (w Window) ErrorRate() float64 {
	if w.Total == 0 {
		return 0
	}
	return float64(w.Failed) / float64(w.Total)
}
