package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/bridge"
)

// brief is what the tests look at: all but threads and the numbers of calls.
func brief(lanes []bridge.LaneInfo) string {
	var lines []string
	for _, l := range lanes {
		line := fmt.Sprintf("%s: %s, %d queued, depth %d", l.Name, l.State, l.Queued, l.Depth)
		for _, text := range []string{l.Function, l.WaitsFor} {
			if text != "" {
				line += ", " + text
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func block(context.Context) error { time.Sleep(time.Minute); return nil }

func blockOne(ctx context.Context, _ int) (int, error)        { return 0, block(ctx) }
func blockTwo(ctx context.Context, _, _ int) (int, error)     { return 0, block(ctx) }
func blockMore(ctx context.Context, _, _, _ int) (int, error) { return 0, block(ctx) }
func blockNone(ctx context.Context) (int, error)              { return 0, block(ctx) }
func blockErr(ctx context.Context, _ int) error               { return block(ctx) }

func awaitPool(ctx context.Context) error { return bridge.Do(ctx, block, bridge.Pooled()) }

func awaitLane(ctx context.Context) error {
	return bridge.Do(bridge.Keyed(ctx, "other"), block)
}

func awaitAny(ctx context.Context) error {
	var futures []*bridge.Future[int]
	for range 5 {
		futures = append(futures, bridge.SyncToAsync0(blockNone, bridge.Pooled())(ctx))
	}
	_, err := bridge.FailFast(ctx, futures...)
	return err
}

func awaitAside(ctx context.Context) error { return bridge.AsyncToSyncErr(blockErr)(ctx, 1) }

func awaitEnd(ctx context.Context) error {
	l := bridge.From(ctx).NewLane(bridge.LaneOptions{})
	call := bridge.SyncToAsyncErr0(block, bridge.OnLane(l))(context.WithoutCancel(ctx))
	return errors.Join(l.Close(ctx), call.Await(ctx))
}

func blockSeq(ctx context.Context) iter.Seq[int] { return func(func(int) bool) { _ = block(ctx) } }

// What a lane does is told by its state, the function on its thread and what that waits for.
func TestLanesTellWhatTheyDo(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(ctx context.Context)
		want string
	}{
		{"works", func(ctx context.Context) { bridge.SyncToAsyncErr0(block)(ctx) },
			"key k: working, 0 queued, depth 1, bridge_test.block"},
		{"with an argument", func(ctx context.Context) { bridge.SyncToAsyncErr(blockErr)(ctx, 1) },
			"key k: working, 0 queued, depth 1, bridge_test.blockErr"},
		{"with a value", func(ctx context.Context) { bridge.SyncToAsync0(blockNone)(ctx) },
			"key k: working, 0 queued, depth 1, bridge_test.blockNone"},
		{"of one", func(ctx context.Context) { bridge.SyncToAsync(blockOne)(ctx, 1) },
			"key k: working, 0 queued, depth 1, bridge_test.blockOne"},
		{"of two", func(ctx context.Context) { bridge.SyncToAsync2(blockTwo)(ctx, 1, 2) },
			"key k: working, 0 queued, depth 1, bridge_test.blockTwo"},
		{"of three", func(ctx context.Context) { bridge.SyncToAsync3(blockMore)(ctx, 1, 2, 3) },
			"key k: working, 0 queued, depth 1, bridge_test.blockMore"},
		{"walks", func(ctx context.Context) {
			go func() {
				for range bridge.Iterate(ctx, blockSeq) {
				}
			}()
		}, "key k: working, 0 queued, depth 1, bridge_test.blockSeq"},
		{"has a queue", func(ctx context.Context) {
			bridge.SyncToAsyncErr0(block)(ctx)
			bridge.SyncToAsyncErr0(block)(ctx)
			bridge.SyncToAsyncErr0(block)(ctx)
		}, "key k: working, 2 queued, depth 1, bridge_test.block"},
		{"waits for the pool", func(ctx context.Context) { bridge.SyncToAsyncErr0(awaitPool)(ctx) },
			"key k: waiting, 0 queued, depth 1, bridge_test.awaitPool, " +
				"call # of bridge_test.block, running on the pool"},
		{"waits for a lane", func(ctx context.Context) { bridge.SyncToAsyncErr0(awaitLane)(ctx) },
			"key k: waiting, 0 queued, depth 1, bridge_test.awaitLane, " +
				"call # of bridge_test.block, running on lane key other\n" +
				"key other: working, 0 queued, depth 1, bridge_test.block"},
		{"waits for any", func(ctx context.Context) { bridge.SyncToAsyncErr0(awaitAny)(ctx) },
			"key k: waiting, 0 queued, depth 1, bridge_test.awaitAny, " +
				"call # of bridge_test.blockNone, running on the pool; " +
				"call # of bridge_test.blockNone, running on the pool; " +
				"call # of bridge_test.blockNone, queued on the pool; and 2 more"},
		{"waits for others", func(ctx context.Context) { bridge.SyncToAsyncErr0(awaitAside)(ctx) },
			"key k: waiting, 0 queued, depth 1, bridge_test.awaitAside, " +
				"call # of bridge_test.blockErr, asynchronous"},
		{"waits for a lane's end", func(ctx context.Context) { bridge.SyncToAsyncErr0(awaitEnd)(ctx) },
			"bridge/lane_info_test.go:#: working, 0 queued, depth 1, bridge_test.block\n" +
				"key k: waiting, 0 queued, depth 1, bridge_test.awaitEnd, " +
				"the end of lane bridge/lane_info_test.go:#"},
		{"rests", func(ctx context.Context) {
			bridge.Do(ctx, func(context.Context) error { return nil })
		}, "key k: resting, 0 queued, depth 0"},
		{"hosts", func(ctx context.Context) {
			go bridge.Host(bridge.With(context.Background(), bridge.From(ctx)), block)
		}, "host: waiting, 0 queued, depth 1, call #, asynchronous"},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := bridge.Options{Capacity: 2}
			bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				c.make(bridge.Keyed(ctx, "k"))
				synctest.Wait()
				got := b.Lanes(10)
				if text := brief(sortedByName(got)); !matches(text, c.want) {
					t.Errorf("lanes are\n%s\nwant\n%s", text, c.want)
				}
				for _, l := range got {
					if rests := l.State == bridge.LaneResting; rests == l.Since.IsZero() {
						t.Errorf("%s since %v", l.State, l.Since)
					}
				}
				time.Sleep(10 * time.Minute)
			})
		})
	}
}

func sortedByName(lanes []bridge.LaneInfo) []bridge.LaneInfo {
	slices.SortFunc(lanes, func(a, b bridge.LaneInfo) int { return strings.Compare(a.Name, b.Name) })
	return lanes
}

var numbers = regexp.MustCompile(`call \d+|\.go:\d+`)

// matches compares texts in which # stands for a number that differs.
func matches(got, want string) bool {
	return want == numbers.ReplaceAllStringFunc(got, func(text string) string {
		return strings.TrimRight(text, "0123456789") + "#"
	})
}

// Lanes that starve are listed with what waits for them; those with most calls come first, and no
// more than were asked for.
func TestLanesAreBounded(t *testing.T) {
	options := bridge.Options{MaxLanes: 2}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		begin := time.Now()
		for key := range 5 {
			for range key + 1 {
				bridge.SyncToAsyncErr0(block)(bridge.Keyed(ctx, key))
			}
		}
		synctest.Wait()
		time.Sleep(time.Second)
		const want = "key 4: starving, 5 queued, depth 0\n" +
			"key 3: starving, 4 queued, depth 0\n" +
			"key 2: starving, 3 queued, depth 0"
		lanes := b.Lanes(3)
		wantEqual(t, "lanes", brief(lanes), want)
		wantEqual(t, "since", lanes[0].Since, begin)
		wantEqual(t, "lanes", len(b.Lanes(0)), 0)
		wantEqual(t, "lanes", len(b.Lanes(-1)), 0)
		wantEqual(t, "lanes", len(b.Lanes(10)), 5)
		wantEqual(t, "starving", b.Stats().Starving, 3)
		time.Sleep(time.Hour)
	})
}

// A key can be anything: its text is bounded, and what its String method does hurts nobody.
func TestNamesOfLanesAreBounded(t *testing.T) {
	for _, c := range []struct {
		name string
		key  any
		want string
	}{
		{"long", strings.Repeat("é", 100), "key " + strings.Repeat("é", 46) + "…"},
		{"not UTF-8", "a\xffb", "key a\uFFFDb"},
		{"panics", panics{}, "key %!v(PANIC=String method: boom)"},
		{"uses the bridge", usesBridge{}, "key 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				asked = b
				wantErr(t, bridge.Do(bridge.Keyed(ctx, c.key), func(context.Context) error {
					return nil
				}), nil)
				lanes := b.Lanes(1)
				wantEqual(t, "name", lanes[0].Name, c.want)
				if len(lanes[0].Name) > 100 {
					t.Errorf("%d bytes", len(lanes[0].Name))
				}
			})
		})
	}
}

type panics struct{}

func (panics) String() string { panic("boom") }

type usesBridge struct{}

var asked *bridge.Bridge

func (usesBridge) String() string { return fmt.Sprint(asked.Stats().Lanes) }

// Looking races with nothing: lanes come, work, wait for each other and go meanwhile.
func TestLookingAtBusyLanes(t *testing.T) {
	b, err := bridge.New(bridge.Options{Capacity: 2, MaxLanes: 4, KeyIdle: time.Millisecond})
	wantErr(t, err, nil)
	ctx := bridge.With(t.Context(), b)
	quick := func(context.Context) (int, error) { return 0, nil }
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for n := range 100 {
				keyed := bridge.Keyed(ctx, (i+n)%6)
				bridge.Do(keyed, func(ctx context.Context) error {
					pooled := bridge.SyncToAsync0(quick, bridge.Pooled())
					bridge.FailFast(ctx, pooled(ctx), pooled(ctx), pooled(ctx), pooled(ctx))
					return bridge.Do(bridge.Keyed(ctx, (i+n+1)%6), func(context.Context) error {
						return nil
					})
				})
			}
		})
	}
	over := make(chan struct{})
	go func() { work.Wait(); close(over) }()
	for done := false; !done; {
		select {
		case <-over:
			done = true
		default:
			b.Lanes(10)
		}
	}
	wantErr(t, b.Close(t.Context()), nil)
	wantEqual(t, "lanes", len(b.Lanes(10)), 0)
}
