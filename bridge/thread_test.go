package bridge_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/parleygo/parley/bridge"
)

// Where threads have no id, a lane's thread is known by the context that its function was given.
func TestB21_WithoutThreadIDsTheContextTells(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		want := func(what string, ctx context.Context, here bool) {
			wantEqual(t, what, bridge.HereByContext(ctx), here)
		}
		want("outside", context.Background(), false)
		want("in a scope", ctx, false)
		must(t, ctx, onLane(ctx, func(ctx context.Context) {
			want("on a lane", ctx, true)
			must(t, ctx, inPool(ctx, func(ctx context.Context) { want("in the pool", ctx, false) }))
			wantErr(t, bridge.AsyncToSyncErr0(func(ctx context.Context) error {
				want("off the thread", ctx, false)
				return nil
			})(ctx), nil)
			outer := ctx
			must(t, ctx, onLane(ctx, func(ctx context.Context) {
				want("inline", ctx, true)
				want("around it", outer, true)
			}))
		}))
	})
}

// A goroutine that no thread is locked for can be moved between any two of its steps, and a lane
// begin where it was.
func TestB21_LaneBeginsWhereAnotherWas(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the lane's goroutine runs next, there
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, _ *bridge.Bridge) {
		for range 20 {
			scope, end := bridge.NewScope(ctx)
			if bridge.LaneHere(func() (uint64, bool) {
				id := bridge.ThreadID()
				must(t, scope, onLane(scope, func(context.Context) {}))
				return id, true
			}) {
				t.Error("a function off the lane was taken for one on it")
			}
			wantErr(t, end(), nil)
		}
	})
}
