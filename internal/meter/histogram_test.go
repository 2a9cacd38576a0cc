package meter_test

import (
	"math"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parleygo/parley/internal/meter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDepth(t *testing.T) {
	for depth, want := range map[int]int{
		-1: 0, 0: 0, 1: 1, 2: 2, 3: 2, 4: 3, 7: 3, 8: 4, 16383: 14, 16384: 15, math.MaxInt: 15,
	} {
		bucket := meter.Depth(depth)
		if bucket != want {
			t.Errorf("%d is in bucket %d, want %d", depth, bucket, want)
		}
		if bucket < meter.Buckets-1 && depth > meter.DepthBound(bucket) {
			t.Errorf("%d is over the bound %d of its bucket", depth, meter.DepthBound(bucket))
		}
	}
}

var bounds = meter.Durations{
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, time.Second, 12 * time.Second, 13 * time.Second, 14 * time.Second,
	time.Minute,
}

func TestDurations(t *testing.T) {
	for value, want := range map[time.Duration]int{
		-1: 0, 0: 0, 1: 0, 2: 1, time.Second: 10, time.Second + 1: 11, time.Minute: 14, time.Hour: 15,
	} {
		if bucket, _ := bounds.Of(value); bucket != want {
			t.Errorf("%v is in bucket %d, want %d", value, bucket, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h meter.Histogram
	for _, value := range []time.Duration{2, 2, time.Hour, -5} {
		h.Observe(bounds.Of(value))
	}
	var counts [meter.Buckets]uint64
	var sum uint64
	h.AddTo(&counts, &sum)
	want := [meter.Buckets]uint64{0: 1, 1: 2, 15: 1}
	if counts != want || sum != uint64(time.Hour)+4 {
		t.Errorf("counts %v, sum %d", counts, sum)
	}
}

func TestAllocHistogram(t *testing.T) {
	var h meter.Histogram
	if n := testing.AllocsPerRun(100, func() {
		h.Observe(bounds.Of(meter.Now()))
		h.Observe(meter.Depth(7), 7)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	var h meter.Histogram
	for b.Loop() {
		h.Observe(meter.Depth(7), 7)
	}
}

// Depths that follow each other count as if each were observed.
func TestDepthsInARow(t *testing.T) {
	for _, row := range []struct{ depth, n int }{
		{0, 0}, {0, 1}, {1, 1}, {0, 9}, {3, 2}, {7, 100}, {1 << 14, 3}, {1<<15 - 2, 9}, {1 << 20, 5},
	} {
		var one, each meter.Histogram
		one.ObserveDepths(row.depth, row.n)
		for i := range row.n {
			each.Observe(meter.Depth(row.depth+i), uint64(row.depth+i))
		}
		var got, want [meter.Buckets]uint64
		var gotSum, wantSum uint64
		one.AddTo(&got, &gotSum)
		each.AddTo(&want, &wantSum)
		if got != want || gotSum != wantSum {
			t.Errorf("%+v: %v, %d; want %v, %d", row, got, gotSum, want, wantSum)
		}
	}
}
