package bridge_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/parleygo/parley/bridge"
)

func init() {
	programs["no default bridge"] = func() {
		b, err := bridge.New(bridge.Options{})
		if err != nil {
			panic(err)
		}
		lane := b.NewLane(bridge.LaneOptions{})
		background := context.Background()
		onIt := bridge.SyncToAsync0(func(ctx context.Context) (int, error) {
			bare := context.Background() // on a lane's thread that is enough
			bridge.AsyncToSyncErr0(func(context.Context) error { return nil })(bare)
			return bridge.Call(bare, func(context.Context, int) (int, error) { return 1, nil }, 1)
		}, bridge.OnLane(lane))
		if n, err := onIt(background).Await(background); n != 1 || err != nil {
			panic(err)
		}
		withLane := bridge.WithLane(background, lane)
		if err := bridge.Do(withLane, func(context.Context) error { return nil }); err != nil {
			panic(err)
		}
		if err := b.Close(background); err != nil {
			panic(err)
		}
		if bridge.DefaultMade() {
			panic("a default bridge was made")
		}
		fmt.Println(passed)
	}
}

// A call aimed at a lane needs no default bridge, and makes none.
func TestLaneCallsMakeNoDefaultBridge(t *testing.T) {
	wantPassed(t, "no default bridge")
}
