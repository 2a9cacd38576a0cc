package bridge_test

import (
	"context"
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
