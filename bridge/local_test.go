package bridge_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/bridge"
)

func TestB68_ValuesAndDeadlineReachDown(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		type key struct{}
		ctx, cancel := context.WithTimeout(context.WithValue(ctx, key{}, "value"), time.Hour)
		defer cancel()
		want, _ := ctx.Deadline()
		check := func(ctx context.Context) {
			got, ok := ctx.Deadline()
			if ctx.Value(key{}) != "value" || !ok || !got.Equal(want) {
				t.Errorf("value %v, deadline %v %v", ctx.Value(key{}), got, ok)
			}
		}
		_, err := ladder(ctx, 5, func(ctx context.Context) (int, error) {
			check(ctx)
			must(t, ctx, inPool(ctx, check))
			return 0, nil
		}, func(_, n int, err error) (int, error) { return n, err })
		wantErr(t, err, nil)
	})
}

func wantUnset[T any](t *testing.T, ctx context.Context, l *bridge.Local[T]) {
	t.Helper()
	if value, ok := l.Get(ctx); ok {
		t.Errorf("set to %v, want unset", value)
	}
}

func wantSet[T comparable](t *testing.T, ctx context.Context, l *bridge.Local[T], want T) {
	t.Helper()
	if value, ok := l.Get(ctx); !ok || value != want {
		t.Errorf("value is %v, %v, want %v", value, ok, want)
	}
}

func TestB69_LocalIsATypedVariable(t *testing.T) {
	var l bridge.Local[int]
	ctx := bridge.WithStore(context.Background(), nil)
	wantUnset(t, ctx, &l)
	wantErr(t, l.Set(ctx, 0), nil)
	wantSet(t, ctx, &l, 0)
	wantErr(t, l.Delete(ctx), nil)
	wantUnset(t, ctx, &l)

	none := context.Background()
	wantUnset(t, none, &l)
	wantErr(t, l.Set(none, 1), bridge.ErrNoStore)
	wantErr(t, l.Delete(none), bridge.ErrNoStore)
	_, err := l.Update(none, func(int, bool) int { return 1 })
	wantErr(t, err, bridge.ErrNoStore)
}

func TestB70_WritesCrossBothWays(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var l bridge.Local[int]
		ctx = bridge.WithStore(ctx, nil)
		add := func(ctx context.Context) {
			_, err := l.Update(ctx, func(old int, _ bool) int { return old + 1 })
			wantErr(t, err, nil)
		}
		wantErr(t, l.Set(ctx, 10), nil)
		must(t, ctx, inPool(ctx, add))
		wantSet(t, ctx, &l, 11)
		must(t, ctx, onLane(ctx, func(ctx context.Context) {
			add(ctx)
			wantErr(t, leave(ctx, add), nil)
		}))
		wantSet(t, ctx, &l, 13)
		_, err := ladder(ctx, 5, func(ctx context.Context) (int, error) { add(ctx); return 0, nil },
			func(_, n int, err error) (int, error) { add(ctx); return n, err })
		wantErr(t, err, nil)
		wantSet(t, ctx, &l, 20)
	})
}

func TestB71_ForkIsolates(t *testing.T) {
	var kept, changed, deleted bridge.Local[string]
	origin := bridge.WithStore(context.Background(), nil)
	for _, l := range []*bridge.Local[string]{&kept, &changed, &deleted} {
		wantErr(t, l.Set(origin, "before"), nil)
	}
	fork := bridge.Fork(origin)
	wantErr(t, errors.Join(
		changed.Set(fork, "fork"), deleted.Delete(fork), kept.Set(origin, "origin"),
	), nil)
	wantSet(t, origin, &changed, "before")
	wantSet(t, origin, &deleted, "before")
	wantSet(t, fork, &changed, "fork")
	wantUnset(t, fork, &deleted)
	wantSet(t, fork, &kept, "before")

	empty := bridge.Fork(context.Background())
	wantErr(t, kept.Set(empty, "new"), nil)
	wantSet(t, empty, &kept, "new")
}

func TestB72_NoStoreNoAccess(t *testing.T) {
	var l bridge.Local[int]
	ctx := bridge.WithStore(context.Background(), nil)
	wantErr(t, l.Set(ctx, 1), nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		other := bridge.WithStore(context.Background(), nil)
		wantUnset(t, other, &l)
		wantErr(t, l.Set(other, 2), nil)
	}()
	<-done
	wantSet(t, ctx, &l, 1)
}

func TestB73_ExplicitStore(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var l bridge.Local[string]
		caller := bridge.WithStore(ctx, nil)
		var shared bridge.Store
		given := bridge.WithStore(caller, &shared)
		var calls []*bridge.Future[struct{}]
		for range 4 {
			calls = append(calls, inPool(given, func(ctx context.Context) {
				_, err := l.Update(ctx, func(old string, _ bool) string { return old + "1" })
				wantErr(t, err, nil)
			}))
		}
		_, err := bridge.All(ctx, calls...)
		wantErr(t, err, nil)
		wantUnset(t, caller, &l)
		wantSet(t, bridge.WithStore(ctx, &shared), &l, "1111")
	})
}

func TestB74_UpdatesAreAtomic(t *testing.T) {
	var l bridge.Local[int]
	ctx := bridge.WithStore(context.Background(), nil)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			for range 1000 {
				if _, err := l.Update(ctx, func(old int, _ bool) int { return old + 1 }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantSet(t, ctx, &l, 100_000)
}

func TestB75_LaneLocal(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var closedOn, lane uint64
		v := bridge.LaneLocal[string]{Close: func(string) { closedOn = bridge.ThreadID() }}
		want := func(ctx context.Context, want string) {
			t.Helper()
			if value, ok := v.Get(ctx); value != want || ok != (want != "") {
				t.Errorf("value is %q, %v, want %q", value, ok, want)
			}
		}
		scope, end := bridge.ThreadSensitive(ctx)
		other, endOther := bridge.ThreadSensitive(ctx)
		must(t, ctx, onLane(scope, func(ctx context.Context) {
			lane = bridge.ThreadID()
			wantErr(t, v.Set(ctx, "mine"), nil)
			wantErr(t, leave(ctx, func(ctx context.Context) {
				want(ctx, "")
				wantErr(t, v.Set(ctx, "nobody's"), bridge.ErrNoLane)
			}), nil)
		}))
		must(t, ctx, onLane(scope, func(ctx context.Context) { want(ctx, "mine") }))
		must(t, ctx, onLane(other, func(ctx context.Context) { want(ctx, "") }))
		must(t, ctx, inPool(scope, func(ctx context.Context) { want(ctx, "") }))
		wantErr(t, errors.Join(end(), endOther()), nil)
		wantEqual(t, "the closer's thread", closedOn, lane)
	})
}

func TestB76_LocalsAreTheirAddress(t *testing.T) {
	ctx := bridge.WithStore(context.Background(), nil)
	old := new(bridge.Local[int])
	wantErr(t, old.Set(ctx, 1), nil)
	old = nil
	runtime.GC()
	for range 100 {
		wantUnset(t, ctx, new(bridge.Local[int]))
	}
	_ = old
}

func TestB77_AbandonedWritesStayAside(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var before, after bridge.Local[int]
		ctx = bridge.WithStore(ctx, nil)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := do(short, func(ctx context.Context) {
			wantErr(t, before.Set(ctx, 1), nil)
			time.Sleep(2 * time.Second)
			wantErr(t, errors.Join(before.Set(ctx, 2), after.Set(ctx, 2)), nil)
			wantSet(t, ctx, &after, 2)
		}, bridge.Abandon()).Await(short)
		wantErr(t, err, context.DeadlineExceeded)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantSet(t, ctx, &before, 1)
		wantUnset(t, ctx, &after)
	})
}
