package main

import (
	"runtime"
	"strings"
)

// lockWaits returns how many of a million calls wait for a sync.Mutex or
// RWMutex, as the mutex profile counts them. The locks of the Go runtime itself
// are left out: they are the allocator's and the scheduler's.
func lockWaits(l lane, goroutines, calls int) (float64, error) {
	calls = max(goroutines, calls/goroutines*goroutines)
	before := contended()
	rate := runtime.SetMutexProfileFraction(1)
	_, err := l.sample(goroutines, calls)
	runtime.SetMutexProfileFraction(rate)
	return float64(contended()-before) / float64(calls) * 1e6, err
}

// contended is how often a lock was waited for since the program began.
func contended() int64 {
	var records []runtime.BlockProfileRecord
	for n, ok := runtime.MutexProfile(nil); !ok; {
		records = make([]runtime.BlockProfileRecord, n+50)
		n, ok = runtime.MutexProfile(records)
		records = records[:min(n, len(records))]
	}
	var sum int64
	for _, r := range records {
		frame, _ := runtime.CallersFrames(r.Stack()).Next()
		if strings.HasPrefix(frame.Function, "sync.") || strings.HasPrefix(frame.Function, "internal/sync.") {
			sum += r.Count
		}
	}
	return sum
}
