package bridge_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

type greeter struct{ word string }

func (g greeter) greet(_ context.Context, name string) (string, error) {
	return g.word + " " + name, nil
}

func TestB1_PooledCallRunsOnceElsewhere(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var calls atomic.Int64
		count := bridge.SyncToAsync(func(_ context.Context, n int) (int64, error) {
			return calls.Add(int64(n)), nil
		})
		wantEqual(t, "result", must(t, ctx, count(ctx, 1)), 1)

		method := bridge.SyncToAsync(greeter{"hello"}.greet)
		wantEqual(t, "method value", must(t, ctx, method(ctx, "you")), "hello you")

		two := bridge.SyncToAsync2(func(_ context.Context, a string, b int) (string, error) {
			return fmt.Sprint(a, b), nil
		})
		three := bridge.SyncToAsync3(func(_ context.Context, a, b, c int) (int, error) {
			return a*100 + b*10 + c, nil
		})
		wantEqual(t, "two arguments", must(t, ctx, two(ctx, "a", 1)), "a1")
		wantEqual(t, "three arguments", must(t, ctx, three(ctx, 1, 2, 3)), 123)

		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if must(t, ctx, poolThread(ctx)) == bridge.ThreadID() {
			t.Error("the function ran on the caller's thread")
		}

		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { must(t, ctx, count(ctx, 1)) })
		}
		wg.Wait()
		wantEqual(t, "calls", calls.Load(), 101)
	})
}

func TestB2_CapacityBoundsLeaves(t *testing.T) {
	for _, c := range []struct {
		capacity, calls, peak int
		took                  time.Duration
	}{
		{1, 2, 1, 2 * time.Second},
		{3, 4, 3, 2 * time.Second},
		{3, 9, 3, 3 * time.Second},
	} {
		bubble(t, bridge.Options{Capacity: c.capacity}, func(
			t *testing.T, ctx context.Context, b *bridge.Bridge,
		) {
			var inside gauge
			begin := time.Now()
			var futures []*bridge.Future[struct{}]
			for range c.calls {
				futures = append(futures, inPool(ctx, func(context.Context) {
					inside.enter()
					defer inside.leave()
					time.Sleep(time.Second)
				}))
			}
			_, err := bridge.All(ctx, futures...)
			wantErr(t, err, nil)
			wantElapsed(t, begin, c.took)
			wantEqual(t, "peak", inside.peak.Load(), int64(c.peak))
		})
	}
}

func TestB4_FirstComeFirstServed(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		var log orderLog
		var wg sync.WaitGroup
		release := make(chan struct{})
		blocker := inPool(ctx, func(context.Context) { <-release })
		for i := range 5 {
			wg.Go(func() { must(t, ctx, inPool(ctx, func(context.Context) { log.add(fmt.Sprint(i)) })) })
			synctest.Wait()
		}
		close(release)
		must(t, ctx, blocker) // the token is on its way to 0 now: a newcomer must not overtake
		must(t, ctx, inPool(ctx, func(context.Context) { log.add("late") }))
		wg.Wait()
		log.want(t, "0 1 2 3 4 late")
	})
}

func TestB5_TokenOfCancelledWaiterGoesOn(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		for range 1000 {
			release := make(chan struct{})
			holder := inPool(ctx, func(context.Context) { <-release })
			cancelled, cancel := context.WithCancel(ctx)
			first := inPool(cancelled, func(context.Context) {})
			second := inPool(ctx, func(context.Context) {})
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = first.Await(cancelled) }) // either way is right
			synctest.Wait()
			wg.Go(cancel)
			close(release)
			must(t, ctx, second)
			must(t, ctx, holder)
			wg.Wait()
			synctest.Wait()
			s := b.Stats()
			if s.Running != 0 || s.Queued != 0 {
				t.Fatalf("token lost: %+v", s)
			}
		}
	})
}

func TestB6_Resize(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		begin := time.Now()
		var futures []*bridge.Future[time.Duration]
		for range 6 {
			futures = append(futures, sleepPooled(ctx, time.Second))
		}
		synctest.Wait()
		wantErr(t, b.Resize(3), nil)
		synctest.Wait()
		wantEqual(t, "running after growing", b.Stats().Running, 3)
		wantErr(t, b.Resize(1), nil)
		wantEqual(t, "running after shrinking", b.Stats().Running, 3)
		_, err := bridge.All(ctx, futures...)
		wantErr(t, err, nil)
		wantElapsed(t, begin, 4*time.Second)
		if b.Resize(0) == nil {
			t.Error("capacity 0 was accepted")
		}
	})
}

func TestB7_NestingCannotStarve(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		var leaves gauge
		var leafs atomic.Int64
		work := func() {
			leaves.enter()
			time.Sleep(time.Millisecond)
			leaves.leave()
		}
		var descend func(ctx context.Context, depth int) (int, error)
		nested := bridge.SyncToAsync(func(ctx context.Context, depth int) (int, error) {
			return descend(ctx, depth)
		}, bridge.Pooled())
		descend = func(ctx context.Context, depth int) (int, error) {
			work()
			defer work()
			if depth > 0 && depth%2 == 0 { // every other level by AsyncToSync
				return bridge.AsyncToSync(func(ctx context.Context, depth int) (int, error) {
					return nested(ctx, depth).Await(ctx)
				})(ctx, depth-1)
			}
			if depth > 0 {
				return nested(ctx, depth-1).Await(ctx)
			}
			var fan []*bridge.Future[struct{}]
			for range 10 {
				fan = append(fan, inPool(ctx, func(context.Context) { work(); leafs.Add(1) }))
			}
			_, err := bridge.All(ctx, fan...)
			return depth, err
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { must(t, ctx, nested(ctx, 20)) })
		}
		wg.Wait()
		wantEqual(t, "leaf functions", leafs.Load(), 30)
		wantEqual(t, "peak", leaves.peak.Load(), 1)
	})
}

func TestB7_SelectOnDoneCannotStarve(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		must(t, ctx, inPool(ctx, func(ctx context.Context) {
			<-inPool(ctx, func(context.Context) {}).Done()
		}))
	})
}

func TestB7_LeftChildKeepsTheBalance(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		var child *bridge.Future[time.Duration]
		begin := time.Now()
		parent := inPool(ctx, func(ctx context.Context) {
			child = sleepPooled(ctx, 10*time.Second)
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := child.Await(short) // leaves the child behind, on the parent's token
			wantErr(t, err, context.DeadlineExceeded)
		})
		next := inPool(ctx, func(context.Context) { wantElapsed(t, begin, 10*time.Second) })
		must(t, ctx, parent)
		must(t, ctx, next)
		must(t, ctx, child)
	})
}

// countingEngine counts the goroutines it is asked for.
type countingEngine struct{ asked atomic.Int64 }

func (e *countingEngine) Go(task func()) error {
	e.asked.Add(1)
	go task()
	return nil
}

func TestB8_PoolOrLanePerWrapper(t *testing.T) {
	engine := &countingEngine{}
	b, err := bridge.New(bridge.Options{Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	ctx, end := bridge.ThreadSensitive(bridge.With(context.Background(), b))
	defer end()
	lane := must(t, ctx, threadOf(ctx))
	wantEqual(t, "submissions of a lane call", engine.asked.Load(), 0)
	if must(t, ctx, poolThread(ctx)) == lane {
		t.Error("the pooled call ran on the lane")
	}
	wantEqual(t, "submissions of a pooled call", engine.asked.Load(), 1)
}

func wantPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}

func TestB9_ZeroFuture(t *testing.T) {
	var future bridge.Future[int]
	if _, err := future.Await(context.Background()); err == nil {
		t.Error("a zero Future has a result")
	}
	if future.Done() != nil {
		t.Error("a zero Future can be done")
	}
	if _, err := bridge.FailFast(context.Background(), &future); err == nil {
		t.Error("a zero Future was gathered")
	}
}

func TestB10_OwnThreadIsDestroyed(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		own := bridge.SyncToAsync0(thread, bridge.OwnThread())
		begin := time.Now()
		var busy []*bridge.Future[struct{}]
		for range 2 {
			busy = append(busy, do(ctx, func(context.Context) {
				time.Sleep(time.Second)
			}, bridge.OwnThread()))
		}
		_, err := bridge.All(ctx, busy...)
		wantErr(t, err, nil)
		wantElapsed(t, begin, 2*time.Second) // counted against the capacity of 1

		id := must(t, ctx, own(ctx))
		if id == bridge.MainThread() {
			t.Error("the function ran on the main thread")
		}
		_, err = do(ctx, func(context.Context) { runtime.Goexit() }, bridge.OwnThread()).Await(ctx)
		wantErr(t, err, parley.ErrGoexit)
		_, err = do(ctx, func(context.Context) { panic("own") }, bridge.OwnThread()).Await(ctx)
		if _, ok := err.(*parley.PanicError); !ok {
			t.Errorf("error is %v, want a PanicError", err)
		}
	})
}
