package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// slowLog keeps what Options.Slow was told.
type slowLog struct {
	mu   sync.Mutex
	told [][]bridge.Backlog
}

func (l *slowLog) add(backlogs []bridge.Backlog) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, backlogs)
}

// want compares how long what was told of had waited.
func (l *slowLog) want(t *testing.T, want ...time.Duration) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	var waited []time.Duration
	for _, backlogs := range l.told {
		for _, backlog := range backlogs {
			waited = append(waited, backlog.Waited)
		}
	}
	if !slices.Equal(waited, want) {
		t.Errorf("told of %v, want %v", waited, want)
	}
}

// slow returns options with which l is told of what has waited ten seconds.
func (l *slowLog) slow() bridge.Options {
	return bridge.Options{Capacity: 1, Slow: l.add, SlowAfter: 10 * time.Second}
}

// A queue that does not get on is told of while it does not: who waits, how long, behind what.
func TestB59_SlowQueuesAreTold(t *testing.T) {
	for _, c := range []struct {
		name  string
		where bridge.Option
		want  bridge.Backlog
	}{
		{"pool", bridge.Pooled(), bridge.Backlog{LaneInfo: bridge.LaneInfo{Name: "pool"}}},
		{"lane", bridge.Sensitive(), bridge.Backlog{LaneInfo: bridge.LaneInfo{
			Name: "bridge/lane_test.go:22", State: bridge.LaneWorking, Depth: 1, Call: 1,
			Function: "bridge_test.sleep",
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log slowLog
			inScope(t, log.slow(), func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				work := bridge.SyncToAsync(sleep, c.where)
				busy := work(ctx, 25*time.Second)
				synctest.Wait()
				waits := work(ctx, time.Second)
				time.Sleep(5 * time.Second)
				later := bridge.SyncToAsync0(thread, c.where)(ctx)
				must(t, ctx, busy)
				must(t, ctx, waits)
				must(t, ctx, later)
				log.want(t, 10*time.Second, 20*time.Second)
				c.want.Queued, c.want.Waited, c.want.Oldest = 2, 10*time.Second, "bridge_test.sleep"
				got := log.told[0][0]
				got.Thread = 0
				wantEqual(t, "backlog", got, c.want)
				time.Sleep(time.Hour)
				log.want(t, 10*time.Second, 20*time.Second)
				must(t, ctx, work(ctx, time.Hour)) // a queue in which nothing waits
				log.want(t, 10*time.Second, 20*time.Second)
			})
		})
	}
}

// A queue that gets on is not told of, however long it always is.
func TestB59_QuickQueuesAreNotTold(t *testing.T) {
	for name, where := range poolAndLane {
		t.Run(name, func(t *testing.T) {
			var log slowLog
			inScope(t, log.slow(), func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				work := bridge.SyncToAsync(sleep, where)
				for range 100 {
					calls := []*bridge.Future[time.Duration]{
						work(ctx, 3*time.Second), work(ctx, 3*time.Second), work(ctx, 3*time.Second),
					}
					_, err := bridge.All(ctx, calls...)
					wantErr(t, err, nil)
				}
				log.want(t)
			})
		})
	}
}

// Calls wait in many places.
func TestB59_WhereverCallsWait(t *testing.T) {
	for _, c := range []struct {
		name string
		with func(o *bridge.Options)
		wait func(t *testing.T, ctx context.Context) *bridge.Future[void] // for a quarter of a minute
		want string
	}{
		{"for a thread", func(o *bridge.Options) { o.MaxLanes = 1 }, func(
			t *testing.T, ctx context.Context,
		) *bridge.Future[void] {
			first, end := bridge.NewScope(ctx)
			must(t, ctx, threadOf(first))
			time.AfterFunc(15*time.Second, func() { wantErr(t, end(), nil) })
			return onLane(bridge.Keyed(ctx, "starves"), func(context.Context) {})
		}, "key starves starving"},
		{"at the door", func(o *bridge.Options) { o.QueueLimit, o.QueueWait = 1, true }, func(
			t *testing.T, ctx context.Context,
		) *bridge.Future[void] {
			busy := do(ctx, func(context.Context) { time.Sleep(15 * time.Second) }, bridge.Pooled())
			synctest.Wait()
			go inPool(ctx, func(context.Context) {})
			synctest.Wait()
			inPool(ctx, func(context.Context) {})
			return busy
		}, "pool "},
		{"for a host", func(*bridge.Options) {}, func(
			t *testing.T, ctx context.Context,
		) *bridge.Future[void] {
			queued := make(chan *bridge.Future[void])
			go func() {
				wantErr(t, bridge.Host(ctx, func(ctx context.Context) error {
					busy := onLane(ctx, func(context.Context) { time.Sleep(15 * time.Second) })
					synctest.Wait()
					f := onLane(ctx, func(context.Context) {})
					queued <- f
					must(t, ctx, busy)
					must(t, ctx, f)
					return nil
				}), nil)
			}()
			return <-queued
		}, "host working"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log slowLog
			options := log.slow()
			c.with(&options)
			bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				must(t, ctx, c.wait(t, ctx))
				log.want(t, 10*time.Second)
				got := log.told[0][0]
				wantEqual(t, "place", got.Name+" "+string(got.State), c.want)
			})
		})
	}
}

// The worst are told of, with threads and without, and a Slow that panics hurts nobody.
func TestB59_ManySlowQueues(t *testing.T) {
	for _, threads := range []int{20, 15, 5} {
		t.Run(fmt.Sprint(threads, " threads"), func(t *testing.T) {
			var log slowLog
			options := log.slow()
			options.MaxLanes = threads
			failures := make(chan error, 100)
			options.Unobserved = func(err error) { failures <- err }
			options.Slow = func(backlogs []bridge.Backlog) {
				log.add(backlogs)
				panic("slow")
			}
			bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				var calls []*bridge.Future[time.Duration]
				for key := range 20 {
					keyed := bridge.Keyed(ctx, key)
					calls = append(calls, sleepOnLane(keyed, 30*time.Second), sleepOnLane(keyed, 0))
					time.Sleep(time.Second / 10)
				}
				_, err := bridge.All(ctx, calls...)
				wantErr(t, err, nil)
				synctest.Wait()
				var names []string
				for _, backlog := range log.told[1] {
					names = append(names, backlog.Name)
				}
				wantEqual(t, "told of", strings.Join(names, ", "),
					"key 0, key 1, key 2, key 3, key 4, key 5, key 6, key 7, key 8, key 9")
				if failure := <-failures; !strings.Contains(failure.Error(), "slow") {
					t.Errorf("told: %v", failure)
				}
			})
		})
	}
}

// exitsWhenNamed is a key whose String method ends its goroutine.
type exitsWhenNamed struct{}

func (exitsWhenNamed) String() string { runtime.Goexit(); return "" }

// Whatever the name of a lane does, the next report comes.
func TestB59_NamesThatExit(t *testing.T) {
	var log slowLog
	options := log.slow()
	var failures []error
	options.Unobserved = func(err error) { failures = append(failures, err) }
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		keyed := bridge.Keyed(ctx, exitsWhenNamed{})
		calls := []*bridge.Future[time.Duration]{
			sleepOnLane(keyed, 25*time.Second), sleepOnLane(keyed, 0),
		}
		_, err := bridge.All(ctx, calls...)
		wantErr(t, err, nil)
		synctest.Wait()
		wantErr(t, errors.Join(failures...), parley.ErrGoexit)
		wantEqual(t, "failures", len(failures), 2)
	})
}

// A Slow that takes its time is not called again meanwhile, and may use the bridge, which closes
// without it.
func TestB59_SlowSlow(t *testing.T) {
	var begun, over atomic.Int64
	options := bridge.Options{Capacity: 1, SlowAfter: 10 * time.Second}
	var ctx context.Context
	options.Slow = func([]bridge.Backlog) {
		begun.Add(1)
		_, _ = sleepPooled(ctx, 0).Await(ctx) // behind those it is told of
		time.Sleep(time.Hour)
		over.Add(1)
	}
	bubble(t, options, func(t *testing.T, outer context.Context, b *bridge.Bridge) {
		ctx = outer
		first := sleepPooled(ctx, time.Minute)
		synctest.Wait()
		second := sleepPooled(ctx, time.Minute)
		must(t, ctx, first)
		synctest.Wait()
		wantEqual(t, "begun", begun.Load(), 1)
		must(t, ctx, second)
		synctest.Wait()
		wantErr(t, b.Close(ctx), nil)
		wantEqual(t, "over", over.Load(), 0)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		wantEqual(t, "begun", begun.Load(), 1)
		wantEqual(t, "over", over.Load(), 1)
	})
}
