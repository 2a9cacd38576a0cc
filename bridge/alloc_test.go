package bridge_test

import (
	"context"
	"testing"

	"github.com/parleygo/parley/bridge"
)

// A call of the pool costs one allocation.
func TestAllocCall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	b, err := bridge.New(bridge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	ctx, call := bridge.With(t.Context(), b), bridge.SyncToAsync(empty)
	if got := testing.AllocsPerRun(200, func() { call(ctx, 1).Await(ctx) }); got != 1 {
		t.Errorf("%v allocations, want 1", got)
	}
}
