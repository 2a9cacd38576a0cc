// Package meter has the histograms of the kit: fixed buckets, no lock, no allocation.
package meter

import (
	"math/bits"
	"slices"
	"sync/atomic"
	"time"
)

// Buckets is how many buckets a Histogram has. The last one has no upper bound.
const Buckets = 16

// Histogram counts values by buckets, and adds them up. The zero value is empty. Its
// methods may be called from any goroutine.
type Histogram struct {
	counts [Buckets]atomic.Uint64
	sum    atomic.Uint64
}

// Observe counts a value in its bucket.
//
//parley:inline
func (h *Histogram) Observe(bucket int, value uint64) {
	h.counts[bucket].Add(1)
	if value > 0 {
		h.sum.Add(value)
	}
}

// ObserveDepths counts n depths, each one more than the one before, in their buckets.
func (h *Histogram) ObserveDepths(depth, n int) {
	var sum int
	for n > 0 {
		bucket, some := Depth(depth), n
		if bucket < Buckets-1 {
			some = min(n, DepthBound(bucket)+1-depth)
		}
		h.counts[bucket].Add(uint64(some))
		sum += some*depth + some*(some-1)/2
		depth, n = depth+some, n-some
	}
	h.sum.Add(uint64(sum))
}

// AddTo adds up what was counted. The figures may be some apart while others count.
func (h *Histogram) AddTo(counts *[Buckets]uint64, sum *uint64) {
	for i := range h.counts {
		counts[i] += h.counts[i].Load()
	}
	*sum += h.sum.Load()
}

// Durations are the upper bounds of times, in nanoseconds.
type Durations [Buckets - 1]time.Duration

// Of returns the bucket of a time, and the time as Observe takes it.
func (d *Durations) Of(t time.Duration) (bucket int, value uint64) {
	bucket, _ = slices.BinarySearch(d[:], t)
	return bucket, uint64(max(t, 0))
}

// Depth returns the bucket of a queue's depth: 0, 1, up to 3, up to 7, and so on.
func Depth(depth int) (bucket int) { return min(bits.Len(uint(max(depth, 0))), Buckets-1) }

// DepthBound is the upper bound of a bucket of depths.
func DepthBound(bucket int) int { return 1<<bucket - 1 }
