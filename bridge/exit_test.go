package bridge_test

import (
	"context"
	"iter"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// An exit that is held goes on when its call is over without having run to its end.
func TestB50_HeldExitEndsWithItsCall(t *testing.T) {
	for name, c := range map[string]struct {
		options []bridge.Option
		cut     func(cancel func(), b *bridge.Bridge) // after a minute
		busy    bool                                  // so that the call does not begin
	}{
		"context": {nil, func(cancel func(), _ *bridge.Bridge) { cancel() }, true},
		"timeout": {[]bridge.Option{bridge.Timeout(time.Minute)}, nil, true},
		"abort": {nil, func(_ func(), b *bridge.Bridge) {
			_ = b.Abort(context.Background())
		}, true},
		"abandoned": {[]bridge.Option{bridge.Abandon()}, func(cancel func(), _ *bridge.Bridge) {
			cancel()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			options := quiet
			options.Capacity = 1
			inScope(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				if c.busy {
					sleepPooled(ctx, time.Hour)
				}
				begin := time.Now()
				_, err := onLane(ctx, func(ctx context.Context) {
					short, cancel := context.WithCancel(ctx)
					defer cancel()
					if c.cut != nil {
						time.AfterFunc(time.Minute, func() { c.cut(cancel, b) })
					}
					exitMeanwhile(ctx)
					_ = bridge.Do(short, func(context.Context) error {
						wantEqual(t, "busy", c.busy, false)
						time.Sleep(time.Hour)
						return nil
					}, append(c.options, bridge.Pooled())...)
				}).Await(ctx)
				wantErr(t, err, parley.ErrGoexit)
				wantElapsed(t, begin, time.Minute)
			})
		})
	}
}

// A lane whose exit is held tells what it waits for.
func TestB50_HeldExitIsSeen(t *testing.T) {
	for name, call := range map[string]func(context.Context, func(context.Context) error) error{
		"Do": func(ctx context.Context, f func(context.Context) error) error {
			return bridge.Do(ctx, f, bridge.Pooled())
		},
		"AsyncToSync": func(ctx context.Context, f func(context.Context) error) error {
			return bridge.AsyncToSyncErr0(f)(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inScope(t, quiet, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				outer := onLane(ctx, func(ctx context.Context) {
					exitMeanwhile(ctx)
					_ = call(ctx, func(context.Context) error { time.Sleep(time.Hour); return nil })
				})
				time.Sleep(time.Minute)
				synctest.Wait()
				wantEqual(t, "state", b.Lanes(1)[0].State, bridge.LaneWaiting)
				_, err := outer.Await(ctx)
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
