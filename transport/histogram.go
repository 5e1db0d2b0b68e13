package transport

import (
	"math"
	"math/bits"
	"time"
)

// A histogram counts durations in eight buckets an octave, from 8 µs to more
// than two minutes: a quantile read from it is off by 6 % at most.
type histogram [(maxOctave - minOctave) * 8]uint32

const minOctave, maxOctave = 13, 38 // powers of two of a nanosecond

func (h *histogram) add(d time.Duration) { h[bucketOf(d)]++ }

func bucketOf(d time.Duration) int {
	octave := bits.Len64(uint64(max(d, 1))) - 1
	switch {
	case octave < minOctave:
		return 0
	case octave >= maxOctave:
		return len(histogram{}) - 1
	}
	eighth := int(d>>(octave-3)) & 7
	return (octave-minOctave)*8 + eighth
}

// middle returns the duration in the middle of a bucket.
func middle(bucket int) time.Duration {
	low := math.Ldexp(8+float64(bucket%8), minOctave+bucket/8-3)
	high := math.Ldexp(9+float64(bucket%8), minOctave+bucket/8-3)
	return time.Duration((low + high) / 2)
}

// quantile returns the duration that a share q of those counted do not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	var n uint64
	for _, c := range h {
		n += uint64(c)
	}
	if n == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(n)))
	for i, c := range h {
		if rank <= uint64(c) {
			return middle(i)
		}
		rank -= uint64(c)
	}
	return middle(len(h) - 1)
}
