package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// A keyed lane gives its thread to others as soon as it has no work, busy or not when they came.
func TestKeyedLanesYieldToOthers(t *testing.T) {
	for _, c := range []struct {
		name string
		busy time.Duration // what the keyed lane has to do when the others come
	}{{"idle", 0}, {"busy", time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			options := bridge.Options{MaxLanes: 2, KeyIdle: time.Hour}
			bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				begin := time.Now()
				for _, key := range []string{"a", "b"} {
					bridge.SyncToAsync(sleep)(bridge.Keyed(ctx, key), c.busy)
				}
				synctest.Wait()
				var ends []func() error
				var waiting []*bridge.Future[uint64]
				for range 2 {
					scope, end := bridge.NewScope(ctx)
					waiting, ends = append(waiting, threadOf(scope)), append(ends, end)
				}
				_, err := bridge.All(ctx, waiting...)
				wantErr(t, err, nil)
				wantElapsed(t, begin, c.busy)
				again := threadOf(bridge.Keyed(ctx, "a")) // has to wait now
				wantErr(t, errors.Join(ends[0](), ends[1]()), nil)
				must(t, ctx, again)
				wantElapsed(t, begin, c.busy)
			})
		})
	}
}

// A lane that waits for a thread needs none to end once its calls are withdrawn.
func TestStarvingLaneWithoutCallsEnds(t *testing.T) {
	for _, c := range waysToEnd {
		for _, order := range []string{"withdrawn before end", "end before withdrawn"} {
			t.Run(c.name+"/"+order, func(t *testing.T) {
				bubble(t, bridge.Options{MaxLanes: 1}, func(
					t *testing.T, ctx context.Context, b *bridge.Bridge,
				) {
					one, endOne := bridge.ThreadSensitive(ctx)
					must(t, ctx, threadOf(one))
					two, endTwo := bridge.ThreadSensitive(ctx)
					begin := time.Now()
					c.call(two, func(context.Context) { t.Error("ran") }, bridge.Sensitive())
					if order == "withdrawn before end" {
						time.Sleep(time.Second)
						synctest.Wait()
						wantEqual(t, "queued", b.Stats().Queued, 0)
					}
					wantErr(t, endTwo(), nil)
					wantElapsed(t, begin, time.Second)
					key := bridge.Keyed(ctx, "key")
					c.call(key, func(context.Context) { t.Error("ran") }, bridge.Sensitive())
					time.Sleep(2 * time.Second)
					wantErr(t, endOne(), nil)
					must(t, ctx, threadOf(key)) // one more call finds a lane
				})
			})
		}
	}
}

// A lane that is ended while it waits for a thread still runs what it has accepted.
func TestStarvingLaneRunsWhatItAccepted(t *testing.T) {
	bubble(t, bridge.Options{MaxLanes: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		one, endOne := bridge.ThreadSensitive(ctx)
		must(t, ctx, threadOf(one))
		two, endTwo := bridge.ThreadSensitive(ctx)
		accepted := threadOf(two)
		ended := make(chan error)
		go func() { ended <- endTwo() }()
		synctest.Wait()
		_, err := threadOf(two).Await(ctx)
		wantErr(t, err, bridge.ErrClosed)
		wantErr(t, endOne(), nil)
		must(t, ctx, accepted)
		wantErr(t, <-ended, nil)
	})
}

// No lane starts once Close has returned, and none is left waiting for a thread.
func TestB60_NoLaneStartsAfterClose(t *testing.T) {
	for name, shut := range map[string]func(*bridge.Bridge) error{
		"Close": func(b *bridge.Bridge) error { return b.Close(context.Background()) },
		"Abort": func(b *bridge.Bridge) error { return b.Abort(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			started := 0
			options := bridge.Options{MaxLanes: 1, Lane: bridge.LaneOptions{
				Start: func() error { started++; return nil },
			}}
			bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				one, _ := bridge.ThreadSensitive(ctx) // never ended
				must(t, ctx, threadOf(one))
				cancelled, cancel := context.WithCancel(ctx)
				two, endTwo := bridge.ThreadSensitive(cancelled)
				threadOf(two)
				cancel()
				wantErr(t, shut(b), nil)
				wantEqual(t, "lanes started", started, 1)
				for _, late := range []context.Context{one, two, bridge.Keyed(ctx, "key")} {
					_, err := threadOf(late).Await(ctx)
					if !errors.Is(err, bridge.ErrClosed) && !errors.Is(err, context.Canceled) {
						t.Errorf("a late call ended with %v", err)
					}
				}
				wantErr(t, endTwo(), nil)
				time.Sleep(time.Hour)
				wantEqual(t, "lanes started", started, 1)
			})
		})
	}
}

// Abort drops what waits for a host's thread too.
func TestB61_AbortReachesHosts(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		lent := make(chan context.Context)
		hosted := make(chan error, 1)
		go func() {
			hosted <- bridge.Host(ctx, func(ctx context.Context) error {
				lent <- ctx
				must(t, ctx, onLane(ctx, nap))
				return nil
			})
		}()
		host := <-lent
		synctest.Wait()
		queued := onLane(host, func(context.Context) { t.Error("ran") })
		wantErr(t, b.Abort(context.Background()), nil)
		_, err := queued.Await(ctx)
		wantErr(t, err, bridge.ErrClosed)
		wantErr(t, <-hosted, nil)
	})
}

// forgetsEnd opens a scope and never ends it.
func forgetsEnd(t *testing.T, ctx context.Context) {
	forgotten, _ := bridge.ThreadSensitive(ctx)
	must(t, ctx, threadOf(forgotten))
}

// A forgotten end is reported when lanes run out: which scope, since when.
func TestForgottenEndIsReported(t *testing.T) {
	var reported []error
	options := bridge.Options{MaxLanes: 1, Unobserved: func(err error) {
		reported = append(reported, err)
	}}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		forgetsEnd(t, ctx)
		time.Sleep(time.Hour)
		short, cancel := context.WithTimeout(ctx, 65*time.Second)
		defer cancel()
		scope, end := bridge.ThreadSensitive(ctx)
		_, err := threadOf(bridge.Aim(short, scope)).Await(ctx)
		wantErr(t, err, context.DeadlineExceeded)
		synctest.Wait()
		wantEqual(t, "reports", len(reported), 1) // another only a minute later
		wantReport(t, reported[0], "1h0m10s")
		wantErr(t, end(), nil)
		time.Sleep(time.Hour) // nobody waits any more
		synctest.Wait()
		wantEqual(t, "reports", len(reported), 1)
	})
}

// Loops over iterators of several keys can take each other's threads. That is reported too.
func TestWalksThatKeepLanesAreReported(t *testing.T) {
	var reported []error
	options := bridge.Options{MaxLanes: 1, KeyIdle: time.Minute, Unobserved: func(err error) {
		reported = append(reported, err)
	}}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		numbers := &counter{upTo: 3}
		for _, err := range bridge.Iterate(bridge.Keyed(ctx, "outer"), numbers.numbers) {
			wantErr(t, err, nil)
			time.Sleep(time.Hour)
			short, cancel := context.WithTimeout(ctx, time.Minute)
			for _, err := range bridge.Iterate(bridge.Keyed(short, "inner"), numbers.numbers) {
				wantErr(t, err, context.DeadlineExceeded)
			}
			cancel()
			break
		}
		synctest.Wait()
		wantEqual(t, "reports", len(reported), 1)
		wantErr(t, reported[0], bridge.ErrNoThread)
		if text := reported[0].Error(); !strings.Contains(text, "kept by a loop") ||
			!strings.Contains(text, "1h0m10s") {
			t.Errorf("report is %q", text)
		}
	})
}

// The default lane keeps its thread anyway: a loop there is no reason.
func TestWalksOnTheDefaultLaneAreNotReported(t *testing.T) {
	options := bridge.Options{MaxLanes: 1, DefaultLane: true, Unobserved: func(err error) {
		t.Errorf("told of %v", err)
	}}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		numbers := &counter{upTo: 3}
		for _, err := range bridge.Iterate(ctx, numbers.numbers) {
			wantErr(t, err, nil)
			short, cancel := context.WithTimeout(ctx, time.Minute)
			_, failure := threadOf(bridge.Keyed(short, "starves")).Await(short)
			wantErr(t, failure, context.DeadlineExceeded)
			cancel()
			break
		}
		synctest.Wait()
	})
}

// Where lanes are refused, the call is told which end was forgotten.
func TestForgottenEndIsTold(t *testing.T) {
	options := bridge.Options{MaxLanes: 1, RefuseLanes: true}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		forgetsEnd(t, ctx)
		time.Sleep(time.Hour)
		for _, more := range []context.Context{
			must2(bridge.ThreadSensitive(ctx)), bridge.Keyed(ctx, 1),
		} {
			_, err := threadOf(more).Await(ctx)
			wantErr(t, err, parley.ErrOverloaded)
			wantReport(t, err, "1h0m0s")
		}
		e := bridge.OnThread(nil)
		client, end := e.Begin(ctx)
		wantErr(t, e.Run(client, func(context.Context) error { return nil }), parley.ErrOverloaded)
		wantErr(t, end(), nil)
		wantEqual(t, "rejected", b.Stats().Rejected, 3)
		must(t, ctx, inPool(ctx, func(ctx context.Context) { // a function's call is never refused
			nested, end := bridge.NewScope(ctx)
			must(t, ctx, threadOf(nested))
			wantErr(t, end(), nil)
		}))
	})
}

// Lanes at work are nobody's fault.
func TestBusyLanesAreNotBlamed(t *testing.T) {
	var reported []error
	options := bridge.Options{MaxLanes: 1, Unobserved: func(err error) {
		reported = append(reported, err)
	}}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		one, endOne := bridge.ThreadSensitive(ctx)
		two, endTwo := bridge.ThreadSensitive(ctx)
		long := sleepOnLane(one, time.Hour)
		synctest.Wait()
		waiting := threadOf(two)
		must(t, ctx, long)
		wantErr(t, endOne(), nil)
		must(t, ctx, waiting)
		wantErr(t, endTwo(), nil)
		wantEqual(t, "reports", len(reported), 0)
	})
}

// wantReport wants err to say where and since when a scope keeps its thread.
func wantReport(t *testing.T, err error, idle string) {
	t.Helper()
	wantErr(t, err, bridge.ErrNoThread)
	since := time.Now().Add(-time.Hour).Format("2006-01-02 15:")
	for _, word := range []string{"lanes_test.go:", since, idle, "is end called?"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no %q in %q", word, err)
		}
	}
}
