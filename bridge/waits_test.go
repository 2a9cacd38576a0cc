package bridge_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/bridge"
)

type void = struct{}

// wayToWait is one way to wait for calls. It returns an error if one of them failed.
type wayToWait struct {
	name    string
	serves  bool // on a lane's thread it serves the lane
	several bool // it waits for all of them at once
	wait    func(ctx context.Context, futures ...*bridge.Future[void]) error
}

var waysToWait = []wayToWait{
	{"Await", true, false, func(ctx context.Context, futures ...*bridge.Future[void]) error {
		var failures []error
		for _, f := range futures {
			_, err := f.Await(ctx)
			failures = append(failures, err)
		}
		return errors.Join(failures...)
	}},
	{"All", true, false, func(ctx context.Context, futures ...*bridge.Future[void]) error {
		_, err := bridge.All(ctx, futures...)
		return err
	}},
	{"FailFast", true, true, func(ctx context.Context, futures ...*bridge.Future[void]) error {
		_, err := bridge.FailFast(ctx, futures...)
		return err
	}},
	{"AsCompleted", true, true, func(ctx context.Context, futures ...*bridge.Future[void]) error {
		var failures []error
		for _, err := range bridge.AsCompleted(ctx, futures...) {
			failures = append(failures, err)
		}
		return errors.Join(failures...)
	}},
	{"strange", true, false, func(ctx context.Context, futures ...*bridge.Future[void]) error {
		var failures []error
		for _, f := range futures {
			_, err := f.Await(context.Background()) // which tells nothing of who waits
			failures = append(failures, err)
		}
		return errors.Join(failures...)
	}},
	{"leaving", true, false, func(ctx context.Context, futures ...*bridge.Future[void]) error {
		return bridge.AsyncToSyncErr0(func(ctx context.Context) error {
			_, err := bridge.All(ctx, futures...)
			return err
		})(ctx)
	}},
	{"goroutines", false, true, func(ctx context.Context, futures ...*bridge.Future[void]) error {
		failures := make([]error, len(futures))
		var wg sync.WaitGroup
		for i, f := range futures {
			wg.Go(func() { _, failures[i] = f.Await(ctx) })
		}
		wg.Wait()
		return errors.Join(failures...)
	}},
	{"Done", false, false, func(ctx context.Context, futures ...*bridge.Future[void]) error {
		var failures []error
		for _, f := range futures {
			<-f.Done()
			_, err := f.Await(ctx)
			failures = append(failures, err)
		}
		return errors.Join(failures...)
	}},
}

// inEveryWay runs test with each way to wait.
func inEveryWay(t *testing.T, test func(t *testing.T, way wayToWait)) {
	t.Helper()
	for _, way := range waysToWait {
		t.Run(way.name, func(t *testing.T) { test(t, way) })
	}
}

func nap(context.Context) { time.Sleep(time.Second) }

// Each case is a function in a pool of one that waits for what it has made. All of it can be
// served.
func TestNestedCallsAreServedInEveryWay(t *testing.T) {
	hosted := func(ctx context.Context, f func(ctx context.Context) error) *bridge.Future[void] {
		return bridge.SyncToAsync0(func(ctx context.Context) (void, error) {
			return void{}, bridge.Host(ctx, f)
		}, bridge.Pooled())(ctx)
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, ctx context.Context, way wayToWait) []*bridge.Future[void]
	}{
		{"pooled calls", func(t *testing.T, ctx context.Context, way wayToWait) []*bridge.Future[void] {
			return []*bridge.Future[void]{inPool(ctx, nap), inPool(ctx, nap), inPool(ctx, nap)}
		}},
		{"a lane call", func(t *testing.T, ctx context.Context, way wayToWait) []*bridge.Future[void] {
			return []*bridge.Future[void]{onLane(ctx, nap)}
		}},
		{"a lane call that makes a pooled one", func(
			t *testing.T, ctx context.Context, way wayToWait,
		) []*bridge.Future[void] {
			return []*bridge.Future[void]{onLane(ctx, func(ctx context.Context) {
				wantErr(t, way.wait(ctx, inPool(ctx, nap)), nil)
			})}
		}},
		{"one that makes another", func(
			t *testing.T, ctx context.Context, way wayToWait,
		) []*bridge.Future[void] {
			return []*bridge.Future[void]{inPool(ctx, func(ctx context.Context) {
				wantErr(t, way.wait(ctx, inPool(ctx, nap), onLane(ctx, nap)), nil)
			})}
		}},
		{"one that hosts", func(t *testing.T, ctx context.Context, way wayToWait) []*bridge.Future[void] {
			return []*bridge.Future[void]{hosted(ctx, func(ctx context.Context) error {
				return way.wait(ctx, inPool(ctx, nap), onLane(ctx, func(ctx context.Context) {
					if way.serves {
						wantErr(t, way.wait(ctx, inPool(ctx, nap), onLane(ctx, nap)), nil)
					}
				}))
			})}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inEveryWay(t, func(t *testing.T, way wayToWait) {
				options := bridge.Options{Capacity: 1}
				inScope(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
					must(t, ctx, inPool(ctx, func(ctx context.Context) {
						wantErr(t, way.wait(ctx, c.make(t, ctx, way)...), nil)
					}))
				})
			})
		})
	}
}

// A call made outside is served too while a function waits for it: nobody else could make room.
func TestCallsMadeOutsideAreServedInEveryWay(t *testing.T) {
	inEveryWay(t, func(t *testing.T, way wayToWait) {
		if way.name == "Done" || way.name == "strange" {
			t.Skip("no context tells who waits")
		}
		options := bridge.Options{Capacity: 1, MaxLanes: 1}
		bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
			one, endOne := bridge.ThreadSensitive(ctx)
			two, endTwo := bridge.ThreadSensitive(ctx)
			must(t, ctx, onLane(one, nap)) // takes the only thread
			made := make(chan *bridge.Future[void], 2)
			first := inPool(ctx, func(ctx context.Context) {
				wantErr(t, way.wait(ctx, <-made, <-made), nil)
			})
			made <- inPool(ctx, nap) // waits behind first
			made <- onLane(two, nap) // waits for a thread
			must(t, ctx, first)
			wantErr(t, errors.Join(endOne(), endTwo()), nil)
		})
	})
}

// Functions of two bridges call each other, both at capacity one, and their queues are full.
func TestTwoBridgesServeEachOtherInEveryWay(t *testing.T) {
	for _, c := range []struct {
		name    string
		options bridge.Options
	}{
		{"no limit", bridge.Options{Capacity: 1, QueueLimit: -1}},
		{"queues refuse", bridge.Options{Capacity: 1, QueueLimit: 1}},
		{"queues wait", bridge.Options{Capacity: 1, QueueLimit: 1, QueueWait: true}},
		{"lanes wait", bridge.Options{Capacity: 1, QueueLimit: 1, QueueWait: true, MaxLanes: 1}},
		{"lanes refuse", bridge.Options{Capacity: 1, QueueLimit: 1, MaxLanes: 1, RefuseLanes: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inEveryWay(t, func(t *testing.T, way wayToWait) {
				bubble(t, c.options, func(t *testing.T, one context.Context, b *bridge.Bridge) {
					options := c.options
					options.Engine = bridge.Goroutines{}
					other, err := bridge.New(options)
					wantErr(t, err, nil)
					two := bridge.With(context.Background(), other)
					crossCalls(t, way, one, two)
					wantErr(t, other.Close(context.Background()), nil)
					settled(t, other)
				})
			})
		})
	}
}

// crossCalls makes a function of each bridge call the other's pool and one of its lanes.
func crossCalls(t *testing.T, way wayToWait, one, two context.Context) {
	cross := func(from, to context.Context) *bridge.Future[void] {
		to = bridge.WithLane(to, bridge.From(to).NewLane(bridge.LaneOptions{}))
		return inPool(from, func(ctx context.Context) {
			time.Sleep(time.Second) // until the queues are full
			there := bridge.Aim(ctx, to)
			wantErr(t, way.wait(ctx, inPool(there, nap), onLane(there, nap)), nil)
		})
	}
	a, c := cross(one, two), cross(two, one)
	time.Sleep(time.Millisecond)
	fill, fillTwo := inPool(one, nap), inPool(two, nap)
	for _, f := range []*bridge.Future[void]{a, c, fill, fillTwo} {
		must(t, context.Background(), f)
	}
}

// Many functions that each wait for many calls: the cost of a wait does not grow with their number.
func TestManyWaitersInEveryWay(t *testing.T) {
	inEveryWay(t, func(t *testing.T, way wayToWait) {
		bubble(t, bridge.Options{Capacity: 8}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
			var outer []*bridge.Future[void]
			for range 64 {
				outer = append(outer, inPool(ctx, func(ctx context.Context) {
					wantErr(t, way.wait(ctx, fanOut(ctx, 100)...), nil)
				}))
			}
			_, err := bridge.All(ctx, outer...)
			wantErr(t, err, nil)
			wantEqual(t, "served", b.Stats().Served, 64*101)
		})
	})
}

func fanOut(ctx context.Context, n int) []*bridge.Future[void] {
	var futures []*bridge.Future[void]
	for range n {
		futures = append(futures, inPool(ctx, func(context.Context) {}))
	}
	return futures
}
