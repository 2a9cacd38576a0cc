package bridge_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/parleygo/parley/bridge"
)

func TestB60_GracefulClose(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 2}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		scope, _ := bridge.ThreadSensitive(ctx)
		var accepted []*bridge.Future[time.Duration]
		for range 4 {
			accepted = append(accepted, sleepPooled(ctx, time.Second), sleepOnLane(scope, time.Second))
		}
		begin := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { wantErr(t, b.Close(context.Background()), nil) })
		synctest.Wait()
		for _, refused := range []*bridge.Future[time.Duration]{
			sleepPooled(ctx, 0), sleepOnLane(scope, 0),
		} {
			_, err := refused.Await(ctx)
			wantErr(t, err, bridge.ErrClosed)
		}
		wg.Wait()
		wantElapsed(t, begin, 4*time.Second)
		for _, f := range accepted {
			wantEqual(t, "result", must(t, ctx, f), time.Second)
		}
	})
}

func TestB61_AbortDropsTheQueue(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1, QueueLimit: 1, QueueWait: true}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		scope, _ := bridge.ThreadSensitive(ctx)
		var ran atomic.Int64
		work := func(ctx context.Context) {
			time.Sleep(time.Second)
			ran.Add(1)
			wantErr(t, ctx.Err(), nil)
		}
		running := []*bridge.Future[struct{}]{inPool(ctx, work), onLane(scope, work)}
		synctest.Wait()
		dropped := []*bridge.Future[struct{}]{inPool(ctx, work), onLane(scope, work)}
		atDoor := make(chan error)
		go func() {
			_, err := inPool(ctx, work).Await(ctx)
			atDoor <- err
		}()
		synctest.Wait()
		begin := time.Now()
		go func() { wantErr(t, b.Abort(context.Background()), nil) }()
		wantErr(t, <-atDoor, bridge.ErrClosed)
		for _, f := range dropped {
			_, err := f.Await(ctx)
			wantErr(t, err, bridge.ErrClosed)
		}
		wantElapsed(t, begin, 0)
		_, err := bridge.All(ctx, running...)
		wantErr(t, err, nil)
		wantEqual(t, "functions that ran", ran.Load(), 2)
	})
}

func TestB62_CloseWithDeadline(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		begin := time.Now()
		lane := b.NewLane(bridge.LaneOptions{})
		f := do(ctx, func(context.Context) { time.Sleep(5 * time.Second) }, bridge.OnLane(lane))
		short, cancel := context.WithTimeoutCause(context.Background(), time.Second, errCause)
		defer cancel()
		wantErr(t, lane.Close(short), errCause)
		wantErr(t, b.Close(short), errCause)
		wantElapsed(t, begin, time.Second)
		wantErr(t, b.Close(context.Background()), nil)
		wantElapsed(t, begin, 5*time.Second)
		must(t, ctx, f)
	})
}

func TestB62_EndWithDeadline(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		begin := time.Now()
		scope, end := bridge.ThreadSensitive(ctx)
		sleepOnLane(scope, 5*time.Second)
		short, cancel := context.WithTimeout(scope, time.Second)
		defer cancel()
		wantErr(t, bridge.End(short), context.DeadlineExceeded)
		wantElapsed(t, begin, time.Second)
		_, err := threadOf(scope).Await(ctx)
		wantErr(t, err, bridge.ErrClosed)
		wantErr(t, end(), nil)
		wantElapsed(t, begin, 5*time.Second)
	})
}

func TestB63_CloseIsIdempotent(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		begin := time.Now()
		scope, end := bridge.ThreadSensitive(ctx)
		sleepOnLane(scope, time.Second)
		sleepPooled(ctx, 2*time.Second)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				wantErr(t, b.Close(context.Background()), nil)
				wantElapsed(t, begin, 2*time.Second)
			})
			wg.Go(func() { wantErr(t, end(), nil) })
		}
		wg.Wait()
		wantErr(t, b.Close(context.Background()), nil)
	})
}

func TestB64_EndingParkedScopesWedgesNothing(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 2}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		var wg sync.WaitGroup
		for range 2 {
			scope, end := bridge.ThreadSensitive(ctx)
			cancelled, cancel := context.WithCancel(scope)
			parked := onLane(cancelled, func(ctx context.Context) {
				wantErr(t, leave(ctx, func(ctx context.Context) {
					<-ctx.Done()
					live := context.WithoutCancel(ctx)
					must(t, live, sleepPooled(live, time.Second)) // needs the pool to finish
				}), nil)
			})
			synctest.Wait()
			wg.Go(func() { must(t, ctx, parked) })
			// Fills the pool.
			wg.Go(func() { must(t, ctx, inPool(ctx, func(context.Context) { wantErr(t, end(), nil) })) })
			wg.Go(cancel)
		}
		wg.Wait()
	})
}

// A function in a pool of one ends a scope or a lane that was opened outside, and whose job needs
// the pool to finish.
func TestB64_EndingALaneOccupiesNoToken(t *testing.T) {
	for name, end := range map[string]func(ctx, scope context.Context, end func() error) error{
		"end": func(_, _ context.Context, end func() error) error { return end() },
		"End": func(_, scope context.Context, _ func() error) error { return bridge.End(scope) },
		"End, aimed": func(ctx, scope context.Context, _ func() error) error {
			return bridge.End(bridge.Aim(ctx, scope))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, bridge.Options{Capacity: 1}, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge,
			) {
				scope, endScope := bridge.ThreadSensitive(ctx)
				parked := onLane(scope, func(ctx context.Context) {
					time.Sleep(2 * time.Second)
					must(t, ctx, sleepPooled(ctx, time.Second))
				})
				ender := inPool(ctx, func(ctx context.Context) {
					time.Sleep(time.Second)
					wantErr(t, end(ctx, scope, endScope), nil)
				})
				must(t, ctx, parked)
				must(t, ctx, ender)
			})
		})
	}
}

func TestB65_NestedCallsAreAdmittedWhileClosing(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		scope, end := bridge.ThreadSensitive(ctx)
		id := must(t, ctx, threadOf(scope))
		parked := onLane(scope, func(ctx context.Context) {
			wantErr(t, leave(ctx, func(ctx context.Context) {
				time.Sleep(time.Second) // both are closing now
				wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), id)
				must(t, ctx, poolThread(ctx))
			}), nil)
		})
		other, _ := bridge.ThreadSensitive(ctx)
		pooled := inPool(other, func(ctx context.Context) {
			time.Sleep(time.Second)
			must(t, ctx, threadOf(ctx)) // the first call of its scope
		})
		synctest.Wait()
		go func() { wantErr(t, end(), nil) }()
		go func() { wantErr(t, b.Close(context.Background()), nil) }()
		synctest.Wait()
		_, err := threadOf(scope).Await(ctx)
		wantErr(t, err, bridge.ErrClosed)
		must(t, ctx, parked)
		must(t, ctx, pooled)
	})
}

// payload is large enough not to share an allocation with anything.
type payload struct{ data [1 << 10]byte }

// TestB66_NothingIsRetained has no bubble: what it waits for is the garbage collector.
func TestB66_NothingIsRetained(t *testing.T) {
	b, err := bridge.New(bridge.Options{})
	wantErr(t, err, nil)
	scope, end := bridge.ThreadSensitive(bridge.With(context.Background(), b))
	for name, where := range poolAndLane {
		watched := retained(t, scope, where)
		runtime.GC()
		for tries := 0; ; tries++ {
			left := 0
			for _, p := range watched {
				if p.Value() != nil {
					left++
				}
			}
			if left == 0 {
				break
			}
			if tries == patience {
				t.Fatalf("%s: %d of %d values are retained", name, left, len(watched))
			}
			time.Sleep(time.Millisecond)
			runtime.GC()
		}
	}
	must(t, scope, threadOf(scope)) // the lane is alive
	wantErr(t, end(), nil)
	wantErr(t, b.Close(context.Background()), nil)
}

// retained makes calls of all sorts and returns what must be garbage now: arguments, results,
// captured variables, values of the context and of the store.
func retained(
	t *testing.T, ctx context.Context, where bridge.Option,
) (watched []weak.Pointer[payload]) {
	watch := func() *payload {
		p := &payload{}
		watched = append(watched, weak.Make(p))
		return p
	}
	type key struct{}
	var local bridge.Local[*payload]
	ctx = bridge.WithStore(context.WithValue(ctx, key{}, watch()), nil)
	wantErr(t, local.Set(ctx, watch()), nil)
	captured := watch()
	swap := bridge.SyncToAsync(func(ctx context.Context, arg *payload) (*payload, error) {
		arg.data[0] = captured.data[0]
		wantErr(t, leave(ctx, func(ctx context.Context) {
			captured.data[1]++
			must(t, ctx, onLane(ctx, func(context.Context) { captured.data[2]++ }))
		}), nil)
		return watch(), nil
	}, where)
	must(t, ctx, swap(ctx, watch()))
	kept := swap(ctx, watch())
	must(t, ctx, kept)
	_, err := bridge.SyncToAsync(func(_ context.Context, p *payload) (int, error) {
		panic(p)
	}, where)(ctx, watch()).Await(ctx)
	if err == nil {
		t.Error("no error")
	}
	return watched
}

// patience is how often a test looks, a millisecond apart, at what others do in their time.
const patience = 60_000

func TestB67_NothingIsLeft(t *testing.T) {
	b, err := bridge.New(bridge.Options{}) // with the default engine
	wantErr(t, err, nil)
	ctx := bridge.With(context.Background(), b)
	goroutines := runtime.NumGoroutine()
	registered := bridge.LanesRegistered()
	var all []*bridge.Future[uint64]
	for i := range 20 {
		ownThread := bridge.SyncToAsync0(thread, bridge.OwnThread())
		all = append(all, threadOf(bridge.Keyed(ctx, i)), poolThread(ctx), ownThread(ctx))
	}
	_, err = bridge.All(ctx, all...)
	wantErr(t, err, nil)
	wantErr(t, b.Close(context.Background()), nil)
	wantEqual(t, "lane threads", bridge.LanesRegistered(), registered)
	// The last ones are on their way out.
	for tries := 0; runtime.NumGoroutine() >= goroutines+1; tries++ {
		if tries == patience {
			t.Fatalf("%d goroutines left of %d", runtime.NumGoroutine(), goroutines)
		}
		time.Sleep(time.Millisecond)
	}
	settled(t, b)
	wantErr(t, errors.Join(b.Close(ctx), b.Abort(ctx)), nil)
}
