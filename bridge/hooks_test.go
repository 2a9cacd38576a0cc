package bridge_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

func TestB18_HooksRunOnTheLanesThread(t *testing.T) {
	var log orderLog
	var started, stopped uint64
	hooks := bridge.LaneOptions{
		Start: func() error { started = bridge.ThreadID(); log.add("start"); return nil },
		Stop:  func() { stopped = bridge.ThreadID(); log.add("stop") },
	}
	inScope(t, bridge.Options{Lane: hooks}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		_, err := onLane(ctx, func(context.Context) { log.add("job"); panic("fails") }).Await(ctx)
		if err == nil {
			t.Error("no error")
		}
		last := threadOf(ctx)
		wantErr(t, bridge.End(ctx), nil)
		id := must(t, ctx, last)
		wantEqual(t, "Start's thread", started, id)
		wantEqual(t, "Stop's thread", stopped, id)
		if id == bridge.MainThread() {
			t.Error("the lane lives on the main thread")
		}
	})
	log.want(t, "start job stop")
}

func TestB18_FailedStartFailsTheCalls(t *testing.T) {
	failure := errors.New("no apartment")
	for name, start := range map[string]func() error{
		"error": func() error { return failure },
		"panic": func() error { panic(failure) },
	} {
		t.Run(name, func(t *testing.T) {
			hooks := bridge.LaneOptions{Start: start, Stop: func() { t.Error("Stop ran without Start") }}
			inScope(t, bridge.Options{Lane: hooks}, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge,
			) {
				for range 2 {
					_, err := threadOf(ctx).Await(ctx)
					wantErr(t, err, bridge.ErrLaneLost)
					wantErr(t, err, failure)
				}
			})
		})
	}
}

func TestB18_HookThatExitsOrPanics(t *testing.T) {
	var reported []error
	options := bridge.Options{Unobserved: func(err error) { reported = append(reported, err) }}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		exits := b.NewLane(bridge.LaneOptions{Start: func() error { runtime.Goexit(); return nil }})
		_, err := do(ctx, func(context.Context) {}, bridge.OnLane(exits)).Await(ctx)
		wantErr(t, err, bridge.ErrLaneLost)
		exitsLast := b.NewLane(bridge.LaneOptions{Stop: runtime.Goexit})
		must(t, ctx, do(ctx, func(context.Context) {}, bridge.OnLane(exitsLast)))
		wantErr(t, exitsLast.Close(ctx), nil)
		panics := b.NewLane(bridge.LaneOptions{Stop: func() { panic("stop") }})
		must(t, ctx, do(ctx, func(context.Context) {}, bridge.OnLane(panics)))
		wantErr(t, panics.Close(ctx), nil)
		wantEqual(t, "reports", len(reported), 2)
		wantErr(t, errors.Join(reported...), parley.ErrGoexit)
		wantErr(t, errors.Join(reported...), parley.ErrAppPanic)
	})
}

// badEnds are the ways in which a hook of a user's can end instead of returning.
var badEnds = []struct {
	name string
	end  func()
	want error
}{
	{"panics", func() { panic(errCause) }, errCause},
	{"exits", runtime.Goexit, parley.ErrGoexit},
}

// What runs at the end of a lane runs whatever became of what ran before it, and the bridge closes.
func TestB18_BadClosersLeaveNothingUndone(t *testing.T) {
	for _, c := range badEnds {
		for _, where := range []string{"scope", "host"} {
			t.Run(c.name+"/"+where, func(t *testing.T) {
				var log orderLog
				var reported []error
				closer := func(name string) func(int) {
					return func(int) { log.add(name); c.end() }
				}
				a := bridge.LaneLocal[int]{Close: closer("a")}
				b := bridge.LaneLocal[int]{Close: closer("b")}
				last := bridge.LaneLocal[int]{Close: func(int) { log.add("last") }}
				options := bridge.Options{
					Unobserved: func(err error) { reported = append(reported, err) },
					Lane:       bridge.LaneOptions{Stop: func() { log.add("stop"); c.end() }},
				}
				set := func(ctx context.Context) {
					wantErr(t, errors.Join(last.Set(ctx, 1), b.Set(ctx, 1), a.Set(ctx, 1)), nil)
				}
				bubble(t, options, func(t *testing.T, ctx context.Context, _ *bridge.Bridge) {
					if where == "host" {
						ended := make(chan void)
						go func() { // it may exit
							defer close(ended)
							wantErr(t, bridge.Host(ctx, func(ctx context.Context) error {
								must(t, ctx, onLane(ctx, set))
								return nil
							}), nil)
						}()
						<-ended
						return
					}
					scope, end := bridge.ThreadSensitive(ctx)
					must(t, ctx, onLane(scope, set))
					wantErr(t, end(), nil)
				})
				if where == "host" {
					log.want(t, "a b last")
					wantEqual(t, "reports", len(reported), 2)
				} else {
					log.want(t, "a b last stop")
					wantEqual(t, "reports", len(reported), 3)
				}
				wantErr(t, errors.Join(reported...), c.want)
			})
		}
	}
}

// A hook for failures that fails itself takes nobody along.
func TestB49_BadUnobservedHookHurtsNobody(t *testing.T) {
	for _, c := range badEnds {
		t.Run(c.name, func(t *testing.T) {
			var logged strings.Builder
			usual := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
			defer slog.SetDefault(usual)
			options := bridge.Options{Capacity: 1, Unobserved: func(error) { c.end() }}
			inScope(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				for _, where := range poolAndLane {
					short, cancel := context.WithCancel(ctx)
					f := do(short, func(context.Context) {
						time.Sleep(2 * time.Second)
						panic("late")
					}, where, bridge.Abandon())
					nap(ctx) // the function has begun
					cancel()
					_, _ = f.Await(ctx)
					must(t, ctx, do(ctx, func(context.Context) {}, where))
				}
			})
			for _, word := range []string{"late", c.want.Error()} { // what the hook missed, and why
				if !strings.Contains(logged.String(), word) {
					t.Errorf("no %q in the log", word)
				}
			}
		})
	}
}
