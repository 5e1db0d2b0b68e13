package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/safetrip-go/safetrip/examples/internal/drill"
	"github.com/safetrip-go/safetrip/transport"
)

// A summary is what the table shows of a run.
type summary struct {
	calls, answered   int
	attempts, retries int
	sources           map[transport.Source]int // of answered calls
	failures          map[string]int           // by why
	p50, p99          time.Duration
}

func summarize(ends []drill.End) summary {
	s := summary{calls: len(ends), sources: map[transport.Source]int{}, failures: map[string]int{}}
	took := make([]time.Duration, 0, len(ends))
	for _, e := range ends {
		s.attempts += e.Attempts
		s.retries += max(0, e.Attempts-1)
		took = append(took, e.Took)
		if e.Answered {
			s.answered++
			s.sources[e.Source]++
		} else {
			s.failures[e.Why()]++
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		s.p50, s.p99 = took[len(took)/2], took[(len(took)-1)*99/100]
	}
	return s
}

// rate returns the share of calls that were answered, in words.
func (s summary) rate() string {
	if s.calls == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(s.answered)/float64(s.calls))
}

// most lists counts, the highest first.
func most(counts map[string]int) string {
	if len(counts) == 0 {
		return "-"
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(names, ", ")
}
