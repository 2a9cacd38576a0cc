package bridge_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/bridge"
)

func TestKeyedLanes(t *testing.T) {
	options := bridge.Options{KeyIdle: time.Minute, MaxLanes: 2}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		a, c := bridge.Keyed(ctx, "a"), bridge.Keyed(ctx, "c")
		meet := make(chan uint64)
		one := onLane(a, func(context.Context) { meet <- bridge.ThreadID() })
		two := onLane(c, func(context.Context) {
			if <-meet == bridge.ThreadID() {
				t.Error("two keys share a thread")
			}
		})
		must(t, ctx, one)
		must(t, ctx, two)
		again := bridge.Keyed(ctx, "a")
		wantEqual(t, "thread of a key", must(t, ctx, threadOf(again)), must(t, ctx, threadOf(a)))

		must(t, ctx, threadOf(bridge.Keyed(ctx, "d"))) // takes the thread of c, which rests longest
		synctest.Wait()
		wantEqual(t, "lanes at the limit", b.Stats().Lanes, 2)
		time.Sleep(59 * time.Second)
		must(t, ctx, threadOf(a))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantEqual(t, "lanes after d was idle", b.Stats().Lanes, 1)
		must(t, ctx, threadOf(c)) // revived
	})
}

func TestLanesPastTheLimitWait(t *testing.T) {
	bubble(t, bridge.Options{MaxLanes: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		one, endOne := bridge.ThreadSensitive(ctx)
		two, endTwo := bridge.ThreadSensitive(ctx)
		three, endThree := bridge.ThreadSensitive(ctx)
		must(t, ctx, threadOf(one))
		waiting, withdrawn := threadOf(two), threadOf(three)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := withdrawn.Await(short)
		wantErr(t, err, context.DeadlineExceeded)
		must(t, ctx, onLane(one, func(ctx context.Context) {
			nested, end := bridge.NewScope(ctx)
			must(t, ctx, threadOf(nested)) // must not wait for its own caller's thread
			wantErr(t, end(), nil)
		}))
		wantEqual(t, "lanes", b.Stats().Lanes, 1)
		wantErr(t, endOne(), nil)
		must(t, ctx, waiting)
		wantErr(t, endTwo(), nil)
		must(t, ctx, withdrawn)
		wantErr(t, endThree(), nil)
	})
}
