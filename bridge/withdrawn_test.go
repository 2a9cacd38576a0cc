package bridge_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/bridge"
)

// ownDone is a context of a type the standard library does not know: contexts derived from it hear
// of its end by a goroutine, later.
type ownDone struct {
	context.Context
	done chan void
	mu   sync.Mutex
	err  error
}

func newOwnDone(parent context.Context) *ownDone {
	return &ownDone{Context: parent, done: make(chan void)}
}

func (c *ownDone) Done() <-chan void { return c.done }

func (c *ownDone) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *ownDone) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = context.Canceled
	close(c.done)
}

// waysToEnd are the ways in which a queued call's context can end, one second after it was made.
var waysToEnd = []struct {
	name string
	call func(ctx context.Context, f func(context.Context), where bridge.Option) *bridge.Future[void]
	want error
}{
	{"cancelled", func(
		ctx context.Context, f func(context.Context), where bridge.Option,
	) *bridge.Future[void] {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(time.Second, func() { cancel(errCause) })
		return do(ctx, f, where)
	}, errCause},
	{"past its deadline", func(
		ctx context.Context, f func(context.Context), where bridge.Option,
	) *bridge.Future[void] {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		context.AfterFunc(ctx, cancel)
		return do(ctx, f, where)
	}, context.DeadlineExceeded},
	{"past its Timeout", func(
		ctx context.Context, f func(context.Context), where bridge.Option,
	) *bridge.Future[void] {
		return do(ctx, f, where, bridge.Timeout(time.Second))
	}, bridge.ErrQueueTimeout},
	{"cancelled in a type of its own", func(
		ctx context.Context, f func(context.Context), where bridge.Option,
	) *bridge.Future[void] {
		own := newOwnDone(ctx)
		time.AfterFunc(time.Second, own.cancel)
		return do(own, f, where)
	}, context.Canceled},
	{"abandoned", func(
		ctx context.Context, f func(context.Context), where bridge.Option,
	) *bridge.Future[void] {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		context.AfterFunc(ctx, cancel)
		return do(ctx, f, where, bridge.Abandon())
	}, context.DeadlineExceeded},
}

// A call whose context ends while it is queued never runs, if anybody awaits it then or not.
func TestB37_WithdrawnCallsNeverRun(t *testing.T) {
	for _, c := range waysToEnd {
		for name, where := range poolAndLane {
			for _, awaited := range []string{"at once", "after its end", "after its turn", "never"} {
				t.Run(c.name+"/"+name+"/awaited "+awaited, func(t *testing.T) {
					inScope(t, bridge.Options{Capacity: 1}, func(
						t *testing.T, ctx context.Context, b *bridge.Bridge,
					) {
						busy := do(ctx, func(context.Context) { time.Sleep(3 * time.Second) }, where)
						synctest.Wait()
						begin := time.Now()
						f := c.call(ctx, func(context.Context) { t.Error("ran") }, where)
						next := do(ctx, func(context.Context) {}, where)
						pause := map[string]time.Duration{"at once": 0, "after its end": 2 * time.Second}
						switch after, soon := pause[awaited]; {
						case soon:
							time.Sleep(after)
							_, err := f.Await(ctx)
							wantErr(t, err, c.want)
							wantElapsed(t, begin, max(after, time.Second))
						case awaited == "after its turn":
							must(t, ctx, next)
							_, err := f.Await(ctx)
							wantErr(t, err, c.want)
						}
						must(t, ctx, busy)
						must(t, ctx, next)
						wantElapsed(t, begin, 3*time.Second)
						wantEqual(t, "queued", b.Stats().Queued, 0)
					})
				})
			}
		}
	}
}

// A running function decides, whatever tells of the context's end first.
func TestB38_AwaitNeverReturnsWhileTheFunctionRuns(t *testing.T) {
	for name, where := range poolAndLane {
		for _, c := range []struct {
			name   string
			cancel func(ctx context.Context) (context.Context, func())
		}{
			{"standard", func(ctx context.Context) (context.Context, func()) {
				return context.WithCancel(ctx)
			}},
			{"a type of its own", func(ctx context.Context) (context.Context, func()) {
				own := newOwnDone(ctx)
				return own, own.cancel
			}},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
					for range 50 {
						bound, cancel := c.cancel(ctx)
						variable := 0 // of the caller; the race detector watches it
						f := bridge.SyncToAsync0(func(ctx context.Context) (int, error) {
							<-ctx.Done()
							time.Sleep(time.Second)
							variable++
							return variable, nil
						}, where, bridge.Timeout(time.Hour))(bound)
						time.AfterFunc(time.Second, cancel)
						begin := time.Now()
						wantEqual(t, "result", must(t, bound, f), 1)
						variable++
						wantElapsed(t, begin, 2*time.Second)
					}
				})
			})
		}
	}
}

// Withdrawing costs the same however many wait, at each place where callers can wait.
func TestB37_ManyCancelledCallersLeaveTogether(t *testing.T) {
	const callers = 20_000
	for _, c := range []struct {
		name    string
		options bridge.Options
		shared  bool // all await one call
	}{
		{"in the queue", bridge.Options{Capacity: 1, QueueLimit: -1}, false},
		{"at the door", bridge.Options{Capacity: 1, QueueLimit: 1, QueueWait: true}, false},
		{"at one call", bridge.Options{Capacity: 1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, c.options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				busy := inPool(ctx, nap)
				synctest.Wait()
				queued := inPool(ctx, func(context.Context) {})
				all, cancel := context.WithCancelCause(ctx)
				var wg sync.WaitGroup
				for range callers {
					wg.Go(func() {
						f := queued
						if !c.shared {
							f = inPool(all, func(context.Context) { t.Error("ran") })
						}
						if _, err := f.Await(all); !errors.Is(err, errCause) {
							t.Errorf("error is %v", err)
						}
					})
				}
				synctest.Wait()
				cancel(errCause)
				wg.Wait()
				must(t, ctx, busy)
				must(t, ctx, queued)
			})
		})
	}
}

// Waits that are left again and again leave nothing behind, in any way to wait that can be left.
func TestB38_LeftWaitsAreForgotten(t *testing.T) {
	for _, way := range waysToWait[:4] {
		t.Run(way.name, func(t *testing.T) {
			everywhere(t, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option,
			) {
				long := do(ctx, func(context.Context) { time.Sleep(time.Hour) }, where)
				stays := make(chan void)
				go func() { defer close(stays); must(t, ctx, long) }()
				for range 1000 {
					short, cancel := context.WithTimeout(ctx, time.Second)
					wantErr(t, way.wait(short, long), context.DeadlineExceeded)
					cancel()
				}
				if n := bridge.Waiters(long); n > 30 {
					t.Errorf("%d waiters are remembered", n)
				}
				<-stays
			})
		})
	}
}
