package socket

import "testing"

// TestAllocTotals: to count a message allocates nothing.
func TestAllocTotals(t *testing.T) {
	var all totals
	one := all[all.some()].Load()
	if n := testing.AllocsPerRun(100, func() {
		one.queued(3)
		one.sent(10, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkTotals is what counting adds to a message that is sent. Goal: 30 ns.
func BenchmarkTotals(b *testing.B) {
	var all totals
	b.RunParallel(func(pb *testing.PB) {
		one := all[all.some()].Load()
		for pb.Next() {
			one.queued(0)
			one.sent(10, nil)
		}
	})
}
