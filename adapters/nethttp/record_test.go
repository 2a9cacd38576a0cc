package nethttp

import (
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"unsafe"

	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/socket"
)

// TestAllocRecord: to count a request allocates nothing.
func TestAllocRecord(t *testing.T) {
	all := requests{guard: &leakguard.Guard{After: math.MaxInt64}}
	r, rec := new(http.Request), record{lane: someLane()}
	if n := testing.AllocsPerRun(100, func() {
		rec.enter(&all, r)
		rec.leave(false, notDrained)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkRecord is what counting adds to a request. Goal: 30 ns.
func BenchmarkRecord(b *testing.B) {
	all := requests{guard: &leakguard.Guard{After: math.MaxInt64}}
	r, rec := new(http.Request), record{lane: someLane()}
	for b.Loop() {
		rec.enter(&all, r)
		rec.leave(false, notDrained)
	}
}

// TestGatewayIsSmall: who has a gateway for each route pays for what they serve at a time,
// and not for what each of them might.
func TestGatewayIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Gateway{}) + unsafe.Sizeof(socket.Upgrader{}); size > 2<<10 {
		t.Errorf("a gateway is %d bytes", size)
	}
	g := Handler(App(http.NotFoundHandler()))
	for range 3 {
		g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	made := 0
	for range g.requests.made() {
		made++
	}
	if served := g.Stats().Served; made > 3 || served != 3 {
		t.Errorf("%d shards for %d requests", made, served)
	}
}
