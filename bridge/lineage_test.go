package bridge_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parleygo/parley/bridge"
)

// Each call is made on a lane's thread with the context of its maker's maker, so its lineage can be
// walked in as many ways as Fibonacci's numbers grow.
func TestLineageOfGrandparentsIsSearchedOnce(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		lanes := [2]*bridge.Lane{b.NewLane(bridge.LaneOptions{}), b.NewLane(bridge.LaneOptions{})}
		var descend func(grandparent, parent context.Context, depth int) error
		descend = func(grandparent, parent context.Context, depth int) error {
			if depth == 0 {
				return nil
			}
			return bridge.Do(grandparent, func(ctx context.Context) error {
				return descend(parent, ctx, depth-1)
			}, bridge.OnLane(lanes[depth%2]))
		}
		wantErr(t, descend(ctx, ctx, 100), nil)
		wantErr(t, errors.Join(lanes[0].Close(ctx), lanes[1].Close(ctx)), nil)
	})
}
