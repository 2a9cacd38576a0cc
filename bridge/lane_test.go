package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// inScope is bubble with a thread-sensitive context around the test.
func inScope(t *testing.T, options bridge.Options, test func(
	t *testing.T, ctx context.Context, b *bridge.Bridge,
)) {
	t.Helper()
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		ctx, end := bridge.ThreadSensitive(ctx)
		test(t, ctx, b)
		wantErr(t, end(), nil)
	})
}

func TestB11_OneThreadPerScope(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		first := must(t, ctx, threadOf(ctx))
		if first == bridge.ThreadID() {
			t.Error("the lane is the caller's thread")
		}
		plain := bridge.SyncToAsync0(thread) // finds its lane without being asked
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { wantEqual(t, "thread", must(t, ctx, plain(ctx)), first) })
		}
		wg.Wait()
	})
}

func TestB12_OneJobAtATimeInOrder(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var log orderLog
		var inside gauge
		var futures []*bridge.Future[struct{}]
		for i := range 5 {
			futures = append(futures, onLane(ctx, func(context.Context) {
				inside.enter()
				defer inside.leave()
				time.Sleep(time.Second)
				log.add(fmt.Sprint(i))
			}))
		}
		_, err := bridge.All(ctx, futures...)
		wantErr(t, err, nil)
		log.want(t, "0 1 2 3 4")
		wantEqual(t, "overlap", inside.peak.Load(), 1)
	})
}

func TestB13_TwoScopesRunInParallel(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		one, endOne := bridge.ThreadSensitive(ctx)
		two, endTwo := bridge.ThreadSensitive(ctx)
		meet := make(chan uint64)
		a := onLane(one, func(context.Context) { meet <- bridge.ThreadID() })
		c := onLane(two, func(context.Context) {
			if other := <-meet; other == bridge.ThreadID() {
				t.Error("two scopes share a thread")
			}
		})
		must(t, ctx, a)
		must(t, ctx, c)
		wantErr(t, errors.Join(endOne(), endTwo()), nil)
	})
}

func TestB14_UnusedScopeCostsNothing(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		before := runtime.NumGoroutine()
		ends := make([]func() error, 100)
		for i := range ends {
			_, ends[i] = bridge.ThreadSensitive(ctx)
		}
		wantEqual(t, "goroutines", runtime.NumGoroutine(), before)
		wantEqual(t, "lanes", b.Stats().Lanes, 0)
		for _, end := range ends {
			wantErr(t, end(), nil)
		}
		if raceEnabled {
			return // it allocates on its own account
		}
		allocations := testing.AllocsPerRun(100, func() {
			_, end := bridge.ThreadSensitive(ctx)
			defer end()
		})
		if allocations > 1 {
			t.Errorf("a scope costs %v allocations", allocations)
		}
	})
}

func TestB15_NestedScopeSharesTheLane(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		outer := must(t, ctx, threadOf(ctx))
		inner, end := bridge.ThreadSensitive(ctx)
		wantEqual(t, "inner thread", must(t, ctx, threadOf(inner)), outer)
		wantErr(t, end(), nil)
		wantEqual(t, "thread after the inner end", must(t, ctx, threadOf(ctx)), outer)
		wantEqual(t, "thread of the inner context", must(t, ctx, threadOf(inner)), outer)

		own, end := bridge.NewScope(ctx)
		if must(t, ctx, threadOf(own)) == outer {
			t.Error("a new scope shares the thread")
		}
		wantErr(t, end(), nil)
		wantErr(t, end(), nil) // repeatedly
		fresh, end := bridge.ThreadSensitive(own)
		must(t, ctx, threadOf(fresh)) // the ended scope is nothing to share
		wantErr(t, end(), nil)
	})
}

func TestB16_NoLane(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		_, err := threadOf(ctx).Await(ctx)
		wantErr(t, err, bridge.ErrNoLane)
	})
	bubble(t, bridge.Options{DefaultLane: true}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		nested := onLane(ctx, func(ctx context.Context) {
			id := bridge.ThreadID()
			wantErr(t, leave(ctx, func(ctx context.Context) {
				wantEqual(t, "nested thread", must(t, ctx, threadOf(ctx)), id)
			}), nil)
		})
		id := must(t, ctx, threadOf(ctx))
		must(t, ctx, nested)
		wantEqual(t, "thread", must(t, ctx, bridge.SyncToAsync0(thread)(ctx)), id)
		if id == bridge.ThreadID() {
			t.Error("the default lane is the test's own thread")
		}
	})
}

func TestB17_HostLendsItsThread(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		host := bridge.ThreadID()
		failure := errors.New("from f")
		var late context.Context
		err := bridge.Host(ctx, func(ctx context.Context) error {
			if bridge.ThreadID() == host {
				t.Error("f runs on the host's thread")
			}
			wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), host)
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() { wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), host) })
			}
			wg.Wait()
			must(t, ctx, onLane(ctx, func(ctx context.Context) {
				wantErr(t, bridge.Host(ctx, func(ctx context.Context) error { // on a lane
					wantEqual(t, "nested thread", must(t, ctx, threadOf(ctx)), host)
					return nil
				}), nil)
			}))
			late = ctx
			return failure
		})
		wantErr(t, err, failure)
		wantEqual(t, "the host's thread", bridge.ThreadID(), host)
		_, err = threadOf(late).Await(ctx)
		wantErr(t, err, bridge.ErrClosed)
		err = bridge.Host(ctx, func(context.Context) error { panic("from f") })
		if p := (*parley.PanicError)(nil); !errors.As(err, &p) {
			t.Errorf("error is %v, want a PanicError", err)
		}
	})
}

func TestB19_StrayUnlocksDoNotHurt(t *testing.T) {
	b, err := bridge.New(bridge.Options{})
	wantErr(t, err, nil)
	ctx, end := bridge.ThreadSensitive(bridge.With(context.Background(), b))
	id := must(t, ctx, threadOf(ctx))
	for range 20 {
		must(t, ctx, onLane(ctx, func(context.Context) {
			runtime.UnlockOSThread()
			for range 100 {
				runtime.Gosched()
			}
		}))
		wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), id)
	}
	wantErr(t, end(), nil)
	wantErr(t, b.Close(context.Background()), nil)
}

func TestB19_LostAffinityIsNoticed(t *testing.T) {
	b, err := bridge.New(bridge.Options{})
	wantErr(t, err, nil)
	runtime.LockOSThread() // or the test could be scheduled on the thread given away
	defer runtime.UnlockOSThread()
	// Whether the goroutine moves is the scheduler's choice. If it did, the next call must say so.
	for range 1000 {
		ctx, end := bridge.ThreadSensitive(bridge.With(context.Background(), b))
		moved := bridge.SyncToAsync0(func(context.Context) (bool, error) {
			before := bridge.ThreadID()
			for range 1000 {
				runtime.UnlockOSThread()
			}
			for range 100 {
				runtime.Gosched()
			}
			return bridge.ThreadID() != before, nil
		})
		lost := must(t, ctx, moved(ctx))
		_, err := threadOf(ctx).Await(ctx)
		_ = end()
		if lost {
			wantErr(t, err, bridge.ErrAffinity)
			wantErr(t, err, bridge.ErrLaneLost)
			break
		}
	}
	wantErr(t, b.Close(context.Background()), nil)
}

func TestB20_ReentranceIsInline(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var down func(ctx context.Context, depth int) (int, error)
		again := bridge.SyncToAsync(func(ctx context.Context, depth int) (int, error) {
			return down(ctx, depth)
		}, bridge.Sensitive())
		id := must(t, ctx, threadOf(ctx))
		down = func(ctx context.Context, depth int) (int, error) {
			wantEqual(t, "thread", bridge.ThreadID(), id)
			if depth == 0 {
				return 0, nil
			}
			n, err := again(ctx, depth-1).Await(ctx)
			return n + 1, err
		}
		wantEqual(t, "depth", must(t, ctx, again(ctx, 100)), 100)
		_, err := again(ctx, 5000).Await(ctx) // Options.MaxDepth is 1000
		wantErr(t, err, bridge.ErrTooDeep)

		must(t, ctx, onLane(ctx, func(ctx context.Context) {
			_, err := onLane(ctx, func(context.Context) { panic("inline") }).Await(ctx)
			if p := (*parley.PanicError)(nil); !errors.As(err, &p) {
				t.Errorf("error is %v, want a PanicError", err)
			}
			wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), id)
		}))
	})
}

func TestB20_DepthIsBounded(t *testing.T) {
	inScope(t, bridge.Options{MaxDepth: 10}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		var inline, served func(ctx context.Context, depth int) (int, error)
		inline = func(ctx context.Context, depth int) (int, error) {
			return bridge.Call(ctx, inline, depth+1, bridge.Sensitive())
		}
		served = func(ctx context.Context, depth int) (int, error) {
			return bridge.AsyncToSync(func(ctx context.Context, depth int) (int, error) {
				return bridge.Call(ctx, served, depth, bridge.Sensitive())
			})(ctx, depth+1)
		}
		for _, recurse := range []func(context.Context, int) (int, error){inline, served} {
			_, err := bridge.Call(ctx, recurse, 0, bridge.Sensitive())
			wantErr(t, err, bridge.ErrTooDeep)
		}
		must(t, ctx, threadOf(ctx)) // the lane is as good as before
	})
}

func TestB21_ContextIsNoIdentity(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var log orderLog
		var wg sync.WaitGroup
		outer := onLane(ctx, func(ctx context.Context) {
			id := bridge.ThreadID()
			wg.Go(func() {
				must(t, ctx, onLane(ctx, func(context.Context) {
					wantEqual(t, "thread", bridge.ThreadID(), id)
					log.add("inner")
				}))
			})
			time.Sleep(time.Second)
			log.add("outer end")
		})
		must(t, ctx, outer)
		wg.Wait()
		log.want(t, "outer end inner")
	})
}

func TestB22_WhichLane(t *testing.T) {
	bubble(t, bridge.Options{DefaultLane: true}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		type namedContext struct {
			name string
			ctx  context.Context
		}
		explicit := b.NewLane(bridge.LaneOptions{})
		scope, endScope := bridge.NewScope(ctx)
		other, endOther := bridge.NewScope(ctx)
		lanes := []namedContext{
			{"default", ctx},
			{"explicit", bridge.WithLane(ctx, explicit)},
			{"scope", scope},
			{"other scope", other},
			{"key a", bridge.Keyed(ctx, "a")},
			{"key b", bridge.Keyed(ctx, "b")},
		}
		byThread := map[uint64]string{}
		for _, l := range lanes {
			byThread[must(t, ctx, threadOf(l.ctx))] = l.name
		}
		wantEqual(t, "lanes", len(byThread), len(lanes))

		key := bridge.Keyed(scope, "a")
		var inScopeJob, inPoolJob, inLeave string
		where := func(ctx context.Context) string { return byThread[must(t, ctx, threadOf(ctx))] }
		must(t, ctx, onLane(key, func(ctx context.Context) {
			inScopeJob = where(ctx)
			must(t, ctx, inPool(ctx, func(ctx context.Context) { inPoolJob = where(ctx) }))
			wantErr(t, leave(ctx, func(ctx context.Context) {
				inLeave = where(bridge.WithLane(ctx, explicit))
			}), nil)
		}))
		onExplicit := bridge.SyncToAsync0(thread, bridge.OnLane(explicit))
		for _, c := range []struct{ name, got, want string }{
			{"key inside scope", where(key), "key a"},
			{"scope inside key", where(must2(bridge.NewScope(key))), ""},
			{"explicit option inside scope", byThread[must(t, ctx, onExplicit(scope))], "explicit"},
			{"explicit context inside scope", where(bridge.WithLane(scope, explicit)), "explicit"},
			{"lane job", inScopeJob, "key a"},
			{"pool job inside lane job", inPoolJob, "key a"},
			{"explicit inside leave", inLeave, "explicit"},
			{"same bridge again", where(bridge.With(scope, b)), "scope"},
		} {
			wantEqual(t, c.name, c.got, c.want)
		}
		wantErr(t, errors.Join(endScope(), endOther(), explicit.Close(ctx)), nil)
	})
}

// must2 drops the end of a scope that the bridge's Close ends.
func must2(ctx context.Context, _ func() error) context.Context { return ctx }
