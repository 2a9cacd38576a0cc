package bridge_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/bridge"
)

func TestB55_FullQueueRejects(t *testing.T) {
	for name, where := range poolAndLane {
		t.Run(name, func(t *testing.T) {
			inScope(t, bridge.Options{Capacity: 1, QueueLimit: 3}, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge,
			) {
				work := bridge.SyncToAsync(sleep, where)
				accepted := []*bridge.Future[time.Duration]{work(ctx, time.Second)}
				synctest.Wait()
				for range 3 {
					accepted = append(accepted, work(ctx, time.Second))
				}
				begin := time.Now()
				_, err := do(ctx, func(context.Context) { t.Error("ran") }, where).Await(ctx)
				wantErr(t, err, bridge.ErrQueueFull)
				wantElapsed(t, begin, 0)
				wantEqual(t, "rejected", b.Stats().Rejected, 1)
				_, err = bridge.All(ctx, accepted...)
				wantErr(t, err, nil)
			})
		})
	}
}

func TestB55_ForgottenCancelledCallsMakeRoom(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1, QueueLimit: 2}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		running := sleepPooled(ctx, time.Second)
		synctest.Wait()
		cancelled, cancel := context.WithCancel(ctx)
		forgotten := sleepPooled(cancelled, time.Second)
		sleepPooled(cancelled, time.Second)
		cancel() // nobody awaits them
		must(t, ctx, sleepPooled(ctx, time.Second))
		must(t, ctx, running)
		_, err := forgotten.Await(ctx)
		wantErr(t, err, context.Canceled)
	})
}

func TestB56_FullQueueWaits(t *testing.T) {
	for name, where := range poolAndLane {
		t.Run(name, func(t *testing.T) {
			options := bridge.Options{Capacity: 1, QueueLimit: 1, QueueWait: true}
			inScope(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				var log orderLog
				var wg sync.WaitGroup
				call := func(ctx context.Context, name string, want error) {
					wg.Go(func() {
						_, err := do(ctx, func(context.Context) {
							time.Sleep(10 * time.Second)
							log.add(name)
						}, where).Await(ctx)
						wantErr(t, err, want)
					})
					synctest.Wait()
				}
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				call(ctx, "runs", nil)
				call(ctx, "waits", nil)
				call(ctx, "door 1", nil)
				call(short, "leaves", context.DeadlineExceeded)
				call(ctx, "door 2", nil)
				wg.Wait()
				log.want(t, "runs waits door 1 door 2")
			})
		})
	}
}

func TestB57_DescendantsAreExempt(t *testing.T) {
	for name, where := range poolAndLane {
		t.Run(name, func(t *testing.T) {
			inScope(t, bridge.Options{Capacity: 1, QueueLimit: 1}, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge,
			) {
				parent := do(ctx, func(ctx context.Context) {
					time.Sleep(time.Second) // the queue fills up
					must(t, ctx, do(ctx, func(context.Context) {}, where))
					must(t, ctx, sleepPooled(ctx, time.Second))
				}, where)
				synctest.Wait()
				waiting := do(ctx, func(context.Context) {}, where)
				_, err := do(ctx, func(context.Context) {}, where).Await(ctx)
				wantErr(t, err, bridge.ErrQueueFull)
				must(t, ctx, parent)
				must(t, ctx, waiting)
			})
		})
	}
}

func TestB58_StatsAreConsistent(t *testing.T) {
	inScope(t, bridge.Options{Capacity: 2}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		at := func(when string, want bridge.Stats) {
			t.Helper()
			synctest.Wait()
			wantEqual(t, when, b.Stats(), want)
		}
		at("at first", bridge.Stats{Capacity: 2})
		var all []*bridge.Future[time.Duration]
		for range 3 {
			all = append(all, sleepPooled(ctx, 2*time.Second))
		}
		at("pool full", bridge.Stats{Capacity: 2, Running: 2, Queued: 1})
		parked := onLane(ctx, func(ctx context.Context) { must(t, ctx, sleepPooled(ctx, time.Second)) })
		at("lane job waits for the pool", bridge.Stats{
			Capacity: 2, Running: 2, Queued: 2, Parked: 1, Lanes: 1,
		})
		_, err := bridge.All(ctx, all...)
		wantErr(t, err, nil)
		must(t, ctx, parked)
		at("all done", bridge.Stats{Capacity: 2, Lanes: 1, Served: 5})
	})
}

func TestB58_StatsUnderNesting(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		f := inPool(ctx, func(ctx context.Context) {
			for i := range 3 {
				sleepPooled(ctx, time.Duration(i)*time.Second)
			}
			must(t, ctx, sleepPooled(ctx, time.Second))
		})
		synctest.Wait()
		s := b.Stats()
		if got := fmt.Sprint(s.Running, s.Parked, s.Queued); got != "1 1 3" {
			t.Errorf("running, parked, queued are %s", got)
		}
		must(t, ctx, f)
	})
}
