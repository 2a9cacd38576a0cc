package bridge_test

import (
	"context"
	"iter"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// quiet is for tests in which calls fail that nobody reads.
var quiet = bridge.Options{Unobserved: func(error) {}}

// exitMeanwhile has a job exit on the lane of ctx while the function there waits.
func exitMeanwhile(ctx context.Context) {
	go func() {
		time.Sleep(time.Second)
		onLane(ctx, func(context.Context) { time.Sleep(2 * time.Second); runtime.Goexit() })
	}()
}

// What waits and returns only when a function has returned holds a goroutine that exits until then:
// the function may use what the frames above own.
func TestB50_ExitWaitsForWhatRuns(t *testing.T) {
	run := func(e bridge.Executor) func(context.Context, func(context.Context) error) error {
		return func(ctx context.Context, f func(context.Context) error) error {
			inner, end := e.Begin(ctx)
			defer func() { _ = end() }()
			return e.Run(inner, f)
		}
	}
	for name, call := range map[string]func(context.Context, func(context.Context) error) error{
		"Call": func(ctx context.Context, f func(context.Context) error) error {
			_, err := bridge.Call(ctx, func(ctx context.Context, _ int) (int, error) {
				return 0, f(ctx)
			}, 0, bridge.Pooled())
			return err
		},
		"Do": func(ctx context.Context, f func(context.Context) error) error {
			return bridge.Do(ctx, f, bridge.Pooled())
		},
		"an own thread": func(ctx context.Context, f func(context.Context) error) error {
			return bridge.Do(ctx, f, bridge.OwnThread())
		},
		"another lane": func(ctx context.Context, f func(context.Context) error) error {
			scope, end := bridge.NewScope(ctx)
			defer func() { _ = end() }()
			return bridge.Do(scope, f)
		},
		"Executor": run(bridge.OnPool(nil)),
		"AsyncToSync": func(ctx context.Context, f func(context.Context) error) error {
			return bridge.AsyncToSyncErr0(f)(ctx)
		},
		"Host": bridge.Host,
	} {
		t.Run(name, func(t *testing.T) {
			inScope(t, quiet, func(t *testing.T, ctx context.Context, _ *bridge.Bridge) {
				_, err := onLane(ctx, func(ctx context.Context) {
					var running atomic.Bool
					defer func() { wantEqual(t, "running", running.Load(), false) }()
					exitMeanwhile(ctx)
					_ = call(ctx, func(context.Context) error {
						running.Store(true)
						defer running.Store(false)
						time.Sleep(time.Minute)
						return nil
					})
					t.Error("went on")
				}).Await(ctx)
				wantErr(t, err, parley.ErrGoexit)
			})
		})
	}
}

// A goroutine that exits can wait again, and others still wait where it did.
func TestB50_ExitLeavesItsWait(t *testing.T) {
	for _, way := range waysToWait[:6] {
		t.Run(way.name, func(t *testing.T) {
			inScope(t, quiet, func(t *testing.T, ctx context.Context, _ *bridge.Bridge) {
				slow := sleepPooled(ctx, time.Hour)
				other := make(chan void)
				go func() {
					defer close(other)
					wantEqual(t, "value", must(t, ctx, slow), time.Hour)
				}()
				first := inPool(ctx, func(ctx context.Context) { must(t, ctx, slow) })
				_, err := onLane(ctx, func(ctx context.Context) {
					defer func() {
						begin := time.Now()
						slower := sleepPooled(ctx, 2*time.Hour)
						wantEqual(t, "value", must(t, ctx, slower), 2*time.Hour)
						wantElapsed(t, begin, 2*time.Hour)
					}()
					exitMeanwhile(ctx)
					_ = way.wait(ctx, first)
				}).Await(ctx)
				wantErr(t, err, parley.ErrGoexit)
				<-other
			})
		})
	}
}

// A lane whose job exits while it waits for what waits for it: that wait fails, and all ends.
func TestB51_ExitInARing(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, f func(ctx context.Context)){
		"a call": func(ctx context.Context, f func(ctx context.Context)) {
			_ = bridge.Do(ctx, func(ctx context.Context) error { f(ctx); return nil })
		},
		"a walk": func(ctx context.Context, f func(ctx context.Context)) {
			for range bridge.Iterate(ctx, func(ctx context.Context) iter.Seq[int] {
				return func(func(int) bool) { f(ctx) }
			}) {
			}
		},
	} {
		for when, pause := range map[string]time.Duration{
			"before": 2 * time.Second, "afterwards": time.Minute,
		} {
			t.Run(name+"/"+when, func(t *testing.T) {
				inScope(t, quiet, func(t *testing.T, ctx context.Context, _ *bridge.Bridge) {
					second, end := bridge.NewScope(ctx)
					var told error
					var loop *bridge.Future[void]
					begun := make(chan void)
					loop = onLane(ctx, func(ctx context.Context) {
						<-begun
						exitMeanwhile(ctx)
						call(bridge.Aim(ctx, second), func(ctx context.Context) {
							time.Sleep(pause)
							_, told = loop.Await(ctx) // which waits for this very call
						})
					})
					close(begun)
					_, err := loop.Await(ctx)
					wantErr(t, err, parley.ErrGoexit)
					wantErr(t, told, bridge.ErrDeadlock)
					wantErr(t, end(), nil)
				})
			})
		}
	}
}

// Lanes whose jobs exit while each waits for the other's: the exits do not wait for each other.
func TestB51_ExitsInARing(t *testing.T) {
	inScope(t, quiet, func(t *testing.T, ctx context.Context, _ *bridge.Bridge) {
		second, end := bridge.NewScope(ctx)
		outer := onLane(ctx, func(ctx context.Context) {
			exitMeanwhile(ctx)
			_ = bridge.Do(bridge.Aim(ctx, second), func(inner context.Context) error {
				exitMeanwhile(inner)
				return bridge.Do(bridge.Aim(inner, ctx), func(context.Context) error {
					time.Sleep(time.Hour)
					return nil
				})
			})
		})
		_, err := outer.Await(ctx)
		wantErr(t, err, parley.ErrGoexit)
		wantErr(t, end(), nil)
	})
}
