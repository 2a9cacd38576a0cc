package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/parleygo/parley/bridge"
)

// TestB9_Mistakes: each panics where it is made, with words that say what is wrong, and
// not later on another goroutine.
func TestB9_Mistakes(t *testing.T) {
	var nobody context.Context
	ctx, empty := context.Background(), new(bridge.Lane)
	async := func(context.Context, int) error { return nil }
	both := func(options ...bridge.Option) func() {
		return func() { bridge.SyncToAsyncErr(async, options...) }
	}
	for _, test := range append([]mistake{
		{"capacity", func() { bridge.New(bridge.Options{Capacity: -1}) },
			"Options.Capacity: -1 is negative"},
		{"time-out of nothing", func() { bridge.Timeout(0) }, "Timeout: 0s is not positive"},
		{"negative time-out", func() { bridge.Timeout(-1) }, "Timeout: -1ns is not positive"},
		{"no option", both(nil), "nil Option"},
		{"pool and lane", both(bridge.Pooled(), bridge.Sensitive()), "the options ask for several"},
		{"pool and thread", both(bridge.Pooled(), bridge.OwnThread()), "the options ask for several"},
		{"lane and thread", both(bridge.Sensitive(), bridge.OwnThread()), "the options ask for several"},
		{"no bridge", func() { bridge.With(ctx, nil) }, "With: Bridge was not made by New"},
		{"zero bridge", func() { bridge.With(ctx, new(bridge.Bridge)) },
			"With: Bridge was not made by New"},
		{"no lane", func() { bridge.OnLane(nil) }, "OnLane: Lane was not made by NewLane"},
		{"zero lane", func() { bridge.WithLane(ctx, empty) }, "WithLane: Lane was not made by NewLane"},
		{"key that cannot be compared", func() { bridge.Keyed(ctx, []int{1}) },
			"Keyed: a key of []int cannot be compared"},
		{"key with such a part", func() { bridge.Keyed(ctx, [1]any{[]int{1}}) },
			"Keyed: a key of [1]interface {} cannot be compared"},
		{"no context to call in", func() { bridge.AsyncToSyncErr(async)(nobody, 1) }, "nil context"},
		{"no context to run in", func() { bridge.SyncToAsyncErr(async)(nobody, 1) }, "nil context"},
		{"no context to wait in", func() { new(bridge.Future[int]).Await(nobody) }, "nil context"},
		{"no context to bind", func() { bridge.ThreadSensitive(nobody) }, "nil context"},
		{"walk on threads", walk(bridge.OwnThread()), "Iterate: OwnThread, Abandon and Timeout"},
		{"walk that is abandoned", walk(bridge.Abandon()), "Iterate: OwnThread, Abandon and Timeout"},
		{"walk in time", walk(bridge.Timeout(1)), "Iterate: OwnThread, Abandon and Timeout"},
		{"no context to walk in", func() { bridge.Iterate(nobody, new(counter).numbers) }, "nil context"},
		{"no context for a key", func() { bridge.Keyed(nobody, 1) }, "nil context"},
	}, ofNilFunctions()...) {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "bridge: ") || !strings.Contains(got, test.words) {
					t.Errorf("panicked with %q, want %q", got, test.words)
				}
			}()
			test.make()
		})
	}
}

func walk(option bridge.Option) func() {
	return func() { bridge.Iterate(context.Background(), new(counter).numbers, option) }
}

type mistake struct {
	name  string
	make  func()
	words string
}

func ofNilFunctions() (list []mistake) {
	ctx := context.Background()
	var none func(context.Context) (int, error)
	var one func(context.Context, int) (int, error)
	var two func(context.Context, int, int) (int, error)
	var three func(context.Context, int, int, int) (int, error)
	for name, do := range map[string]func(){
		"SyncToAsync":     func() { bridge.SyncToAsync(one) },
		"SyncToAsync0":    func() { bridge.SyncToAsync0(none) },
		"SyncToAsync2":    func() { bridge.SyncToAsync2(two) },
		"SyncToAsync3":    func() { bridge.SyncToAsync3(three) },
		"SyncToAsyncErr":  func() { bridge.SyncToAsyncErr[int](nil) },
		"SyncToAsyncErr0": func() { bridge.SyncToAsyncErr0(nil) },
		"AsyncToSync":     func() { bridge.AsyncToSync(one) },
		"AsyncToSync0":    func() { bridge.AsyncToSync0(none) },
		"AsyncToSync2":    func() { bridge.AsyncToSync2(two) },
		"AsyncToSync3":    func() { bridge.AsyncToSync3(three) },
		"AsyncToSyncErr":  func() { bridge.AsyncToSyncErr[int](nil) },
		"AsyncToSyncErr0": func() { bridge.AsyncToSyncErr0(nil) },
		"Call":            func() { _, _ = bridge.Call(ctx, one, 1) },
		"Do":              func() { _ = bridge.Do(ctx, nil) },
		"Host":            func() { _ = bridge.Host(ctx, nil) },
		"Iterate":         func() { bridge.Iterate[int](ctx, nil) },
		"Iterate2":        func() { bridge.Iterate2[int](ctx, nil) },
		"Executor.Run":    func() { _ = bridge.OnPool(nil).Run(ctx, nil) },
	} {
		list = append(list, mistake{name + " of nothing", do, name + ": nil function"})
	}
	return list
}
