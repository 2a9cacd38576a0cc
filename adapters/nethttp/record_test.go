package nethttp

import (
	"math"
	"net/http"
	"testing"

	"github.com/parleygo/parley/internal/leakguard"
)

// TestAllocRecord: to count a request allocates nothing.
func TestAllocRecord(t *testing.T) {
	var all requests
	all.init(&leakguard.Guard{After: math.MaxInt64})
	r := new(http.Request)
	rec := record{shard: all.shard()}
	if n := testing.AllocsPerRun(100, func() {
		rec.enter(r)
		rec.leave(false, notDrained)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkRecord is what counting adds to a request. Goal: 30 ns.
func BenchmarkRecord(b *testing.B) {
	var all requests
	all.init(&leakguard.Guard{After: math.MaxInt64})
	r := new(http.Request)
	rec := record{shard: all.shard()}
	for b.Loop() {
		rec.enter(r)
		rec.leave(false, notDrained)
	}
}
