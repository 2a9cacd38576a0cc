package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/bridge"
)

var errCause = errors.New("client gone")

// poolAndLane are the two places where calls run.
var poolAndLane = map[string]bridge.Option{"pool": bridge.Pooled(), "lane": bridge.Sensitive()}

// everywhere runs a test once with pooled calls and once with lane calls.
func everywhere(t *testing.T, test func(
	t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option,
)) {
	t.Helper()
	for name, where := range poolAndLane {
		t.Run(name, func(t *testing.T) {
			inScope(t, bridge.Options{Capacity: 1}, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge,
			) {
				test(t, ctx, b, where)
			})
		})
	}
}

func TestB36_DoneContextNeverRuns(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		over, cancel := context.WithCancelCause(ctx)
		cancel(errCause)
		_, err := do(over, func(context.Context) { t.Error("ran") }, where).Await(ctx)
		wantErr(t, err, errCause)
		wantErr(t, err, context.Canceled)
		must(t, ctx, onLane(ctx, func(ctx context.Context) { // inline too
			over, cancel := context.WithCancel(ctx)
			cancel()
			_, err := do(over, func(context.Context) { t.Error("ran") }, where).Await(ctx)
			wantErr(t, err, context.Canceled)
		}))
	})
}

func TestB37_CancelledInQueueNeverRuns(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		var log orderLog
		job := func(ctx context.Context, name string) *bridge.Future[struct{}] {
			return do(ctx, func(context.Context) { time.Sleep(time.Second); log.add(name) }, where)
		}
		cancelled, cancel := context.WithCancelCause(ctx)
		a, second, c, d := job(ctx, "A"), job(ctx, "B"), job(cancelled, "C"), job(ctx, "D")
		synctest.Wait()
		wantEqual(t, "queued", b.Stats().Queued, 3)
		begin := time.Now()
		cancel(errCause)
		_, err := c.Await(ctx) // the call's context counts, though the wait's goes on
		wantErr(t, err, errCause)
		wantElapsed(t, begin, 0)
		wantEqual(t, "queued", b.Stats().Queued, 2)
		_, err = bridge.All(ctx, a, second, d)
		wantErr(t, err, nil)
		log.want(t, "A B D")
	})
}

func TestB37_DoneTellsOfCancellation(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		running := do(ctx, func(context.Context) { time.Sleep(time.Hour) }, where)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		begin := time.Now()
		queued := do(short, func(context.Context) { t.Error("ran") }, where)
		<-queued.Done()
		<-queued.Done()
		wantElapsed(t, begin, time.Second)
		must(t, ctx, running)
	})
}

func TestB38_RunningFunctionDecides(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		begin := time.Now()
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		seven := bridge.SyncToAsync0(func(ctx context.Context) (int, error) {
			<-ctx.Done() // it sees the cancellation,
			time.Sleep(time.Second)
			return 7, nil // and what it returns is the result
		}, where)
		wantEqual(t, "result", must(t, short, seven(short)), 7)
		wantElapsed(t, begin, 2*time.Second)
	})
}

func TestB38_WaitWithAShorterContext(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		begin := time.Now()
		f := bridge.SyncToAsync(sleep, where)(ctx, 3*time.Second)
		short, cancel := context.WithTimeoutCause(ctx, time.Second, errCause)
		defer cancel()
		_, err := f.Await(short)
		wantErr(t, err, errCause)
		wantErr(t, err, context.DeadlineExceeded)
		wantElapsed(t, begin, time.Second)
		wantEqual(t, "result", must(t, ctx, f), 3*time.Second)
		wantEqual(t, "result that is there", must(t, short, f), 3*time.Second)
		wantElapsed(t, begin, 3*time.Second)
	})
}

func TestB39_Abandon(t *testing.T) {
	for name, where := range poolAndLane {
		t.Run(name, func(t *testing.T) {
			var reported []error
			options := bridge.Options{Capacity: 1, Unobserved: func(err error) {
				reported = append(reported, err)
			}}
			bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				scope, end := bridge.ThreadSensitive(ctx)
				failure := errors.New("too late")
				begin := time.Now()
				work := bridge.SyncToAsync0(func(context.Context) (int, error) {
					time.Sleep(5 * time.Second)
					return 1, failure
				}, where, bridge.Abandon())
				short, cancel := context.WithTimeoutCause(scope, time.Second, errCause)
				defer cancel()
				value, err := work(short).Await(short)
				wantErr(t, err, errCause)
				wantEqual(t, "value", value, 0)
				wantElapsed(t, begin, time.Second)
				wantEqual(t, "abandoned", b.Stats().Abandoned, 1)

				must(t, ctx, bridge.SyncToAsync0(thread, where)(scope)) // token and lane are kept until it ends
				wantElapsed(t, begin, 5*time.Second)
				wantEqual(t, "reports", len(reported), 1)
				wantErr(t, reported[0], failure)

				again, cancel := context.WithTimeout(scope, time.Second)
				defer cancel()
				_, err = work(again).Await(again)
				wantErr(t, err, context.DeadlineExceeded)
				wantErr(t, end(), nil)
				wantErr(t, b.Close(context.Background()), nil) // one of the two waits for the function
				wantElapsed(t, begin, 10*time.Second)
			})
		})
	}
}

// ladder alternates SyncToAsync and AsyncToSync, depth levels of each, and runs bottom below them.
// Each level passes what it got to unwind.
func ladder(
	ctx context.Context, depth int,
	bottom func(context.Context) (int, error),
	unwind func(depth int, n int, err error) (int, error),
) (int, error) {
	down := bridge.AsyncToSync0(func(ctx context.Context) (int, error) {
		if depth == 0 {
			return bottom(ctx)
		}
		return bridge.SyncToAsync0(func(ctx context.Context) (int, error) {
			return ladder(ctx, depth-1, bottom, unwind)
		}, bridge.Sensitive())(ctx).Await(ctx)
	})
	n, err := down(ctx)
	return unwind(depth, n, err)
}

func TestB40_CancellationReachesTheInnermost(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var log orderLog
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(time.Second, func() { cancel(errCause) })
		begin := time.Now()
		_, err := ladder(ctx, 3, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}, func(depth, n int, err error) (int, error) {
			wantErr(t, err, errCause)
			log.add(fmt.Sprint(depth))
			return n, err
		})
		wantErr(t, err, errCause)
		wantElapsed(t, begin, time.Second)
		log.want(t, "0 1 2 3")
	})
}

func TestB40_InnermostMayShield(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		cancelled, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		begin := time.Now()
		n, err := ladder(cancelled, 3, func(ctx context.Context) (int, error) {
			shielded := context.WithoutCancel(ctx)
			d, err := sleepOnLane(shielded, 2*time.Second).Await(shielded)
			return int(d / time.Second), err
		}, func(_, n int, err error) (int, error) { return n, err })
		wantErr(t, err, nil)
		wantEqual(t, "result", n, 2)
		wantElapsed(t, begin, 2*time.Second)
	})
}

func TestB41_AbsorbedCancellationIsNoError(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		cancelled, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		n, err := ladder(cancelled, 3, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 42, nil
		}, func(_, n int, err error) (int, error) { return n, err })
		wantErr(t, err, nil)
		wantEqual(t, "result", n, 42)
	})
}

func TestB42_CancellationPoisonsNothing(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		id := must(t, ctx, threadOf(ctx))
		cancelled, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		handled := bridge.SyncToAsync0(func(ctx context.Context) (uint64, error) {
			<-ctx.Done()
			live := context.WithoutCancel(ctx)
			return threadOf(live).Await(live) // while handling the cancellation
		}, bridge.Sensitive())
		wantEqual(t, "thread", must(t, cancelled, handled(cancelled)), id)
		_, err := threadOf(cancelled).Await(ctx)
		wantErr(t, err, context.Canceled)
		wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), id)
	})
}

func TestB43_CleanUpUsesTheLane(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var log orderLog
		cancelled, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		_, err := onLane(cancelled, func(ctx context.Context) {
			id := bridge.ThreadID()
			_ = leave(ctx, func(ctx context.Context) {
				defer func() {
					live := context.WithoutCancel(ctx)
					wantEqual(t, "thread", must(t, live, threadOf(live)), id)
					log.add("cleaned")
				}()
				<-ctx.Done()
			})
		}).Await(cancelled)
		wantErr(t, err, nil)
		log.add("returned")
		log.want(t, "cleaned returned")
	})
}

func TestB44_OwnDeadline(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		busy := bridge.SyncToAsync(sleep, where)(ctx, 5*time.Second)
		begin := time.Now()
		queued := do(ctx, func(context.Context) { t.Error("ran") }, where, bridge.Timeout(time.Second))
		_, err := queued.Await(ctx)
		wantErr(t, err, bridge.ErrQueueTimeout)
		wantErr(t, err, context.DeadlineExceeded)
		wantElapsed(t, begin, time.Second)
		must(t, ctx, busy)

		begin = time.Now()
		patient := bridge.SyncToAsync0(func(ctx context.Context) (int, error) {
			<-ctx.Done()
			wantErr(t, context.Cause(ctx), bridge.ErrRunTimeout)
			return 1, nil
		}, where, bridge.Timeout(time.Second))
		wantEqual(t, "result", must(t, ctx, patient(ctx)), 1)
		wantElapsed(t, begin, time.Second)

		sleepAbandoned := bridge.SyncToAsync(sleep,
			where, bridge.Timeout(time.Second), bridge.Abandon())
		abandoned := sleepAbandoned(ctx, 3*time.Second)
		_, err = abandoned.Await(ctx)
		wantErr(t, err, bridge.ErrRunTimeout)
		wantErr(t, err, context.DeadlineExceeded)
		wantElapsed(t, begin, 2*time.Second)
	})
}

func TestB45_CancellationDoesNotCutServing(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		cancelled, cancel := context.WithCancel(ctx)
		begin := time.Now()
		must(t, cancelled, onLane(cancelled, func(ctx context.Context) {
			id := bridge.ThreadID()
			wantErr(t, leave(ctx, func(ctx context.Context) {
				cancel()
				time.Sleep(time.Second)
				live := context.WithoutCancel(ctx)
				wantEqual(t, "thread", must(t, live, threadOf(live)), id)
			}), nil)
		}))
		wantElapsed(t, begin, time.Second)
	})
}
