package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

func TestB46_ErrorsPassUnchanged(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		failure := errors.New("the same")
		bottom := func(context.Context) (int, error) { return 3, failure }
		for _, depth := range []int{0, 1, 10} {
			n, err := ladder(ctx, depth, bottom, func(_, n int, err error) (int, error) { return n, err })
			if err != failure || n != 3 {
				t.Errorf("depth %d: got %v, %v", depth, n, err)
			}
		}
		_, err := bridge.SyncToAsync0(bottom, bridge.Pooled())(ctx).Await(ctx)
		if err != failure {
			t.Errorf("pooled: error is %v", err)
		}
	})
}

func panicDeepDown(failure error) { panic(fmt.Errorf("wrapped: %w", failure)) }

func TestB47_PanicsBecomeErrors(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		failure := errors.New("root cause")
		_, err := ladder(ctx, 5, func(ctx context.Context) (int, error) {
			_, err := do(ctx, func(context.Context) { panicDeepDown(failure) }, where).Await(ctx)
			if err != nil {
				panic(err) // upward once more: the first stack must stay
			}
			return 0, nil
		}, func(_, n int, err error) (int, error) { return n, err })
		wantErr(t, err, failure)
		p, ok := err.(*parley.PanicError)
		if !ok {
			t.Fatalf("error is %T, want a PanicError", err)
		}
		if !strings.Contains(string(p.Stack), "panicDeepDown") {
			t.Errorf("the stack does not show where it began:\n%s", p.Stack)
		}
		if strings.Count(err.Error(), "panicked") != 1 {
			t.Errorf("wrapped again: %v", err)
		}

		defer func() {
			if again, _ := recover().(*parley.PanicError); !errors.Is(again, failure) {
				t.Errorf("Repanic gave %v", again)
			}
		}()
		_, _ = do(ctx, func(context.Context) {
			panicDeepDown(failure)
		}, where, bridge.Repanic()).Await(ctx)
		t.Error("Await returned")
	})
}

func TestB48_PanicDisturbsNothingElse(t *testing.T) {
	inScope(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		var log orderLog
		id := must(t, ctx, threadOf(ctx))
		isPanic := func(err error) {
			if p := (*parley.PanicError)(nil); !errors.As(err, &p) {
				t.Errorf("error is %v, want a PanicError", err)
			}
		}
		must(t, ctx, onLane(ctx, func(ctx context.Context) {
			wantErr(t, leave(ctx, func(ctx context.Context) {
				_, err := onLane(ctx, func(context.Context) { panic("served") }).Await(ctx)
				isPanic(err)
				wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), id)
			}), nil)
			isPanic(leave(ctx, func(context.Context) { panic("left") }))
			log.add("frame below goes on")
		}))
		_, err := inPool(ctx, func(context.Context) { panic("pooled") }).Await(ctx)
		isPanic(err)
		wantEqual(t, "running", b.Stats().Running, 0)
		must(t, ctx, poolThread(ctx))
		wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), id)
		log.want(t, "frame below goes on")
	})
}

// TestB49_UnreadFailureIsReported has no bubble: what it waits for is the garbage collector.
func TestB49_UnreadFailureIsReported(t *testing.T) {
	reports := make(chan error, 10)
	b, err := bridge.New(bridge.Options{Unobserved: func(err error) { reports <- err }})
	wantErr(t, err, nil)
	ctx := bridge.With(context.Background(), b)
	unread, read := errors.New("unread"), errors.New("read")
	fail := bridge.SyncToAsync(func(_ context.Context, err error) (int, error) { return 0, err })
	fail(ctx, unread)
	f := fail(ctx, read)
	<-f.Done()
	_, err = f.Await(ctx)
	wantErr(t, err, read)
	for tries := 0; len(reports) == 0; tries++ {
		if tries == 1000 {
			t.Fatal("the failure was never reported")
		}
		runtime.GC()
		runtime.Gosched()
	}
	wantErr(t, <-reports, unread)
	wantErr(t, b.Close(context.Background()), nil)
	wantEqual(t, "further reports", len(reports), 0)
}

// badLog is a handler of log records that ends as it is told.
type badLog struct {
	slog.Handler
	end func()
}

func (l badLog) Handle(context.Context, slog.Record) error { l.end(); return nil }

// What nobody waited for is told on a goroutine of the runtime's, which neither an error
// that cannot be looked at nor the program's log may break.
func TestB49_BadFailuresHurtNobody(t *testing.T) {
	var nilPointer error = (*net.OpError)(nil)
	for _, c := range badEnds {
		for name, end := range map[string]func() error{
			"error": func() error { return nilPointer },
			"panic": func() error { panic(nilPointer) },
		} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				told := make(chan bool, 10)
				usual := slog.Default()
				slog.SetDefault(slog.New(badLog{usual.Handler(), func() { told <- true; c.end() }}))
				defer slog.SetDefault(usual)
				b, err := bridge.New(bridge.Options{})
				wantErr(t, err, nil)
				ctx := bridge.With(context.Background(), b)
				fail := bridge.SyncToAsync(func(context.Context, int) (int, error) { return 0, end() })
				_, err = fail(ctx, 0).Await(ctx)
				wantErr(t, err, parley.ErrAppPanic)
				<-fail(ctx, 0).Done()
				for len(told) == 0 {
					runtime.GC()
					runtime.Gosched()
				}
				wantErr(t, b.Close(context.Background()), nil)
			})
		}
	}
}

func TestB50_GoexitReleasesEverybody(t *testing.T) {
	var log orderLog
	stopped := false
	hooks := bridge.LaneOptions{Stop: func() { stopped = true }}
	inScope(t, bridge.Options{Lane: hooks}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		// Seconds of fake time lie between the events, so that their order is that of their causes.
		watch := func(f *bridge.Future[struct{}], name string) {
			go func() {
				_, err := f.Await(context.Background())
				wantErr(t, err, parley.ErrGoexit)
				log.add(name)
			}()
		}
		outer := onLane(ctx, func(ctx context.Context) {
			_ = leave(ctx, func(ctx context.Context) {
				served := onLane(ctx, func(ctx context.Context) {
					_ = leave(ctx, func(ctx context.Context) {
						innermost := onLane(ctx, func(context.Context) { time.Sleep(time.Second); runtime.Goexit() })
						watch(innermost, "innermost")
						<-innermost.Done()
						time.Sleep(time.Second)
						log.add("f returned")
					})
				})
				watch(served, "served")
				<-served.Done()
				time.Sleep(time.Second)
			})
		})
		watch(outer, "outer")
		queued := onLane(ctx, func(context.Context) { t.Error("ran") })
		_, err := queued.Await(ctx)
		wantErr(t, err, bridge.ErrLaneLost)
		_, err = outer.Await(ctx)
		wantErr(t, err, parley.ErrGoexit)
		_, err = threadOf(ctx).Await(ctx)
		wantErr(t, err, bridge.ErrLaneLost)
		wantErr(t, bridge.End(ctx), nil)
		synctest.Wait()
	})
	log.want(t, "innermost f returned served outer")
	wantEqual(t, "Stop hook ran", stopped, true)
}

func TestB50_GoexitOutsideServing(t *testing.T) {
	ignore := func(error) {} // calls whose caller exits are read by nobody
	bubble(t, bridge.Options{Capacity: 1, Unobserved: ignore}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		exit := func(context.Context) { runtime.Goexit() }
		for range 5 {
			exited, next := inPool(ctx, exit), inPool(ctx, func(context.Context) {})
			_, err := exited.Await(ctx)
			wantErr(t, err, parley.ErrGoexit)
			must(t, ctx, next) // the token went on
		}
		key := bridge.Keyed(ctx, "revived")
		_, err := onLane(key, func(ctx context.Context) { // inline
			_, _ = onLane(ctx, exit).Await(ctx)
			t.Error("went on")
		}).Await(ctx)
		wantErr(t, err, parley.ErrGoexit)
		must(t, ctx, threadOf(key))
		must(t, ctx, onLane(key, func(ctx context.Context) {
			wantErr(t, leave(ctx, exit), parley.ErrGoexit)
		}))
		hosted := make(chan struct{})
		go func() {
			defer close(hosted)
			_ = bridge.Host(ctx, func(ctx context.Context) error {
				_, err := onLane(ctx, exit).Await(ctx)
				wantErr(t, err, parley.ErrGoexit)
				return nil
			})
			t.Error("Host returned on a goroutine that exits")
		}()
		<-hosted
	})
}

func TestB51_RingOfLanesIsRefused(t *testing.T) {
	for repeat := range 100 { // B52: detection keeps no state
		bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
			one, endOne := bridge.ThreadSensitive(ctx)
			two, endTwo := bridge.ThreadSensitive(ctx)
			failures := make(chan error, 2)
			cross := func(from, to context.Context) *bridge.Future[struct{}] {
				return onLane(from, func(context.Context) {
					time.Sleep(time.Second)
					_, err := threadOf(to).Await(ctx)
					failures <- err
				})
			}
			a, c := cross(one, two), cross(two, one)
			must(t, ctx, a)
			must(t, ctx, c)
			first, second := <-failures, <-failures
			if (first == nil) == (second == nil) {
				t.Fatalf("run %d: errors are %v and %v, want exactly one", repeat, first, second)
			}
			wantErr(t, errors.Join(first, second), bridge.ErrDeadlock)
			must(t, ctx, threadOf(one))
			must(t, ctx, threadOf(two))
			wantErr(t, errors.Join(endOne(), endTwo()), nil)
		})
	}
}

func TestB51_OneCallChainIsNoRing(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		one, two := b.NewLane(bridge.LaneOptions{}), b.NewLane(bridge.LaneOptions{})
		must(t, ctx, do(ctx, func(ctx context.Context) {
			must(t, ctx, do(ctx, func(ctx context.Context) {
				must(t, ctx, do(ctx, func(context.Context) {}, bridge.OnLane(one)))
			}, bridge.OnLane(two)))
		}, bridge.OnLane(one)))

		scope, end := bridge.ThreadSensitive(ctx)
		must(t, ctx, onLane(scope, func(ctx context.Context) {
			_, err := inAnotherGoroutine(scope).Await(ctx) // queued behind this very job
			wantErr(t, err, bridge.ErrDeadlock)
		}))
		wantErr(t, errors.Join(end(), one.Close(ctx), two.Close(ctx)), nil)
	})
}

func inAnotherGoroutine(scope context.Context) *bridge.Future[uint64] {
	started := make(chan *bridge.Future[uint64])
	go func() { started <- threadOf(scope) }()
	return <-started
}

func TestB52_DetectionKeepsNoState(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		for range 100 {
			must(t, ctx, onLane(ctx, func(inner context.Context) {
				_, err := inAnotherGoroutine(ctx).Await(inner)
				wantErr(t, err, bridge.ErrDeadlock)
				wantErr(t, bridge.End(inner), bridge.ErrDeadlock)
			}))
			_, err := onLane(ctx, func(context.Context) { panic("then a failure") }).Await(ctx)
			if err == nil {
				t.Error("no error")
			}
		}
		must(t, ctx, threadOf(ctx))
	})
}

func TestB53_UnprovableDeadlockHonoursTheDeadline(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		scope, end := bridge.ThreadSensitive(ctx)
		signal := make(chan int, 1)
		give := func(context.Context) { signal <- 42 }
		taken := bridge.SyncToAsync0(func(context.Context) (int, error) {
			return <-signal, nil
		}, bridge.Sensitive())

		waiting := taken(scope)
		short, cancel := context.WithTimeout(scope, time.Second)
		defer cancel()
		begin := time.Now()
		_, err := onLane(short, give).Await(short) // on the lane it cannot run
		wantErr(t, err, context.DeadlineExceeded)
		wantElapsed(t, begin, time.Second)
		must(t, ctx, inPool(ctx, give)) // on the pool it can
		wantEqual(t, "value", must(t, ctx, waiting), 42)
		wantErr(t, end(), nil)
	})
}

func TestB54_ClosingFromInsideIsRefused(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		scope, end := bridge.ThreadSensitive(ctx)
		lane := b.NewLane(bridge.LaneOptions{})
		must(t, ctx, onLane(scope, func(ctx context.Context) {
			wantErr(t, end(), bridge.ErrDeadlock)
			wantErr(t, bridge.End(scope), bridge.ErrDeadlock)
			wantErr(t, b.Close(context.Background()), bridge.ErrDeadlock)
			wantErr(t, leave(ctx, func(ctx context.Context) {
				wantErr(t, bridge.End(ctx), bridge.ErrDeadlock)
				wantErr(t, b.Close(ctx), bridge.ErrDeadlock)
			}), nil)
		}))
		must(t, ctx, do(ctx, func(ctx context.Context) {
			wantErr(t, lane.Close(ctx), bridge.ErrDeadlock)
			must(t, ctx, inPool(ctx, func(ctx context.Context) {
				wantErr(t, lane.Close(ctx), bridge.ErrDeadlock)
			}))
		}, bridge.OnLane(lane)))
		must(t, ctx, inPool(ctx, func(ctx context.Context) {
			wantErr(t, b.Abort(ctx), bridge.ErrDeadlock)
		}))
		must(t, ctx, threadOf(scope)) // nothing was closed
		wantErr(t, bridge.End(ctx), bridge.ErrNoLane)
		wantErr(t, bridge.End(scope), nil)
		wantErr(t, bridge.End(scope), nil)
		wantErr(t, end(), nil)
	})
}
