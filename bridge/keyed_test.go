package bridge_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/bridge"
)

// A key that is not equal to itself would be another one at each call.
func TestKeyedRefusesStrangeKeys(t *testing.T) {
	type compound struct{ inner any }
	for name, key := range map[string]any{
		"NaN": math.NaN(), "within": compound{math.NaN()}, "complex": complex(0, math.NaN()),
		"slice": []int{1}, "slice within": compound{[]int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "bridge: Keyed: ") {
					t.Errorf("recovered %q", text)
				}
			}()
			bridge.Keyed(context.Background(), key)
		})
	}
}

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

// A key is known for as long as its lane has a thread or work, and not a moment longer.
func TestKeysAreForgotten(t *testing.T) {
	calls := func(t *testing.T, ctx context.Context, want error) {
		for key := range 10 {
			short, cancel := context.WithTimeout(ctx, time.Second)
			_, err := threadOf(bridge.Keyed(short, key)).Await(ctx)
			wantErr(t, err, want)
			cancel()
		}
	}
	for _, c := range []struct {
		name    string
		options bridge.Options
		before  func(t *testing.T, ctx context.Context, b *bridge.Bridge)
		want    error
	}{
		{"idle", bridge.Options{KeyIdle: time.Minute},
			func(*testing.T, context.Context, *bridge.Bridge) {}, nil},
		{"withdrawn while it waits for a thread", bridge.Options{MaxLanes: 1},
			func(t *testing.T, ctx context.Context, b *bridge.Bridge) { forgetsEnd(t, ctx) },
			context.DeadlineExceeded},
		{"refused a thread", bridge.Options{MaxLanes: 1, RefuseLanes: true},
			func(t *testing.T, ctx context.Context, b *bridge.Bridge) { forgetsEnd(t, ctx) },
			bridge.ErrNoThread},
		{"closed", bridge.Options{},
			func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				wantErr(t, b.Close(context.Background()), nil)
			}, bridge.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, c.options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				c.before(t, ctx, b)
				calls(t, ctx, c.want)
				time.Sleep(2 * time.Minute)
				wantEqual(t, "keys known", b.KeysKnown(), 0)
			})
		})
	}
}
