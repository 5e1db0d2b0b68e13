package main

import "runtime"

// held is what a process holds: live memory, stacks included, and goroutines.
type held struct {
	Bytes      float64
	Goroutines int
}

func holding() held {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{float64(m.HeapAlloc + m.StackInuse), goroutines()}
}

// since returns what is held beyond before, shared out among n.
func (h held) since(before held, n int) held {
	return held{(h.Bytes - before.Bytes) / float64(n), h.Goroutines - before.Goroutines}
}

func goroutines() int { return runtime.NumGoroutine() }
