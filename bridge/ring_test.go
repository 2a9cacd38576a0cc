package bridge_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/bridge"
)

// ringPlace is a lane of a ring.
type ringPlace struct {
	ctx   context.Context
	enter func(f func(ctx context.Context)) // runs f as a job of the lane, and then ends the lane
}

func scopeInRing(t *testing.T, ctx context.Context) ringPlace {
	inner, end := bridge.NewScope(ctx)
	return ringPlace{inner, func(f func(ctx context.Context)) {
		must(t, ctx, onLane(inner, f))
		wantErr(t, end(), nil)
	}}
}

func hostInRing(t *testing.T, ctx context.Context) ringPlace {
	lent, jobs := make(chan context.Context), make(chan func(ctx context.Context))
	ended := make(chan void)
	go func() {
		defer close(ended)
		wantErr(t, bridge.Host(ctx, func(ctx context.Context) error {
			lent <- ctx
			must(t, ctx, onLane(ctx, <-jobs))
			return nil
		}), nil)
	}()
	return ringPlace{<-lent, func(f func(ctx context.Context)) {
		jobs <- f
		<-ended
	}}
}

// stranger makes a lane call that descends from no job.
func stranger(scope context.Context) *bridge.Future[void] {
	made := make(chan *bridge.Future[void])
	go func() { made <- onLane(scope, func(context.Context) {}) }()
	return <-made
}

// A lane that waits for its own queue, alone or in a ring, is told so in every way to wait.
func TestB51_RingsAreRefusedInEveryWay(t *testing.T) {
	type lane = func(*testing.T, context.Context) ringPlace
	for _, c := range []struct {
		name  string
		lanes []lane
		two   bool // the last lane is on a bridge of its own
	}{
		{"a scope and itself", []lane{scopeInRing}, false},
		{"a host and itself", []lane{hostInRing}, false},
		{"two scopes", []lane{scopeInRing, scopeInRing}, false},
		{"three scopes", []lane{scopeInRing, scopeInRing, scopeInRing}, false},
		{"two hosts", []lane{hostInRing, hostInRing}, false},
		{"a scope and a host", []lane{scopeInRing, hostInRing}, false},
		{"scopes of two bridges", []lane{scopeInRing, scopeInRing}, true},
		{"hosts of two bridges", []lane{hostInRing, hostInRing}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, way := range waysToWait[:5] { // those in which the lane's own thread waits
				t.Run(way.name, func(t *testing.T) {
					twoBridges(t, func(t *testing.T, one, two context.Context) {
						var ring []ringPlace
						for i, enter := range c.lanes {
							ctx := one
							if c.two && i == len(c.lanes)-1 {
								ctx = two
							}
							ring = append(ring, enter(t, ctx))
						}
						wantErr(t, runRing(ring, way), bridge.ErrDeadlock)
					})
				})
			}
		})
	}
}

// runRing makes each lane wait for the next, and returns how the waits ended.
func runRing(ring []ringPlace, way wayToWait) error {
	failures := make([]error, len(ring))
	var wg sync.WaitGroup
	for i, place := range ring {
		wg.Go(func() {
			place.enter(func(ctx context.Context) {
				time.Sleep(time.Second) // until all lanes are busy
				next := ring[(i+1)%len(ring)].ctx
				failures[i] = way.wait(ctx, stranger(next), stranger(next))
			})
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

func twoBridges(t *testing.T, test func(t *testing.T, one, two context.Context)) {
	t.Helper()
	bubble(t, bridge.Options{}, func(t *testing.T, one context.Context, _ *bridge.Bridge) {
		other, err := bridge.New(bridge.Options{Engine: bridge.Goroutines{}})
		wantErr(t, err, nil)
		test(t, one, bridge.With(context.Background(), other))
		wantErr(t, other.Close(context.Background()), nil)
		settled(t, other)
	})
}

// A lane in a ring may also wait for another's end.
func TestB54_EndingALaneThatWaitsForTheCallersIsRefused(t *testing.T) {
	type ender = func(ctx context.Context, l *bridge.Lane, end func() error) error
	for name, end := range map[string]ender{
		"end": func(_ context.Context, _ *bridge.Lane, end func() error) error { return end() },
		"Lane.Close": func(ctx context.Context, l *bridge.Lane, _ func() error) error {
			return l.Close(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			twoBridges(t, func(t *testing.T, one, two context.Context) {
				scope, endScope := bridge.NewScope(two)
				lane := bridge.From(two).NewLane(bridge.LaneOptions{})
				own, endOwn := bridge.NewScope(one)
				failures := make([]error, 3)
				closer := onLane(own, func(ctx context.Context) {
					time.Sleep(2 * time.Second) // until the others wait for this very lane
					failures[0] = end(ctx, lane, endScope)
				})
				waiter := func(ctx context.Context, failure *error) *bridge.Future[void] {
					return onLane(ctx, func(ctx context.Context) {
						time.Sleep(time.Second)
						_, *failure = stranger(own).Await(ctx)
					})
				}
				a, c := waiter(scope, &failures[1]), waiter(bridge.WithLane(two, lane), &failures[2])
				for _, f := range []*bridge.Future[void]{closer, a, c} {
					must(t, one, f)
				}
				wantErr(t, errors.Join(failures...), bridge.ErrDeadlock)
				wantErr(t, errors.Join(endScope(), lane.Close(two), endOwn()), nil)
			})
		})
	}
}

// A wait for several that one of them can end is no ring.
func TestB51_WaitsThatCanEndAreNotRefused(t *testing.T) {
	twoBridges(t, func(t *testing.T, one, two context.Context) {
		a, endA := bridge.NewScope(one)
		c, endC := bridge.NewScope(two)
		first := onLane(a, func(ctx context.Context) {
			time.Sleep(time.Second)
			results := 0
			for _, err := range bridge.AsCompleted(ctx, stranger(c), inPool(ctx, nap)) {
				results++
				if results == 1 {
					wantErr(t, err, nil) // the pooled one
				}
			}
			wantEqual(t, "results", results, 2)
		})
		second := onLane(c, func(ctx context.Context) {
			time.Sleep(time.Second)
			short, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			_, err := stranger(a).Await(short)
			if err != nil {
				wantErr(t, err, bridge.ErrDeadlock)
			}
		})
		must(t, one, first)
		must(t, two, second)
		wantErr(t, errors.Join(endA(), endC()), nil)
	})
}

// A ring may pass through calls that have begun: those that wait for one in the queue let it go.
func TestB51_RingsPassThroughRunningCalls(t *testing.T) {
	for _, way := range waysToWait[:5] {
		t.Run(way.name, func(t *testing.T) {
			twoBridges(t, func(t *testing.T, one, two context.Context) {
				a, endA := bridge.NewScope(one)
				c, endC := bridge.NewScope(two)
				var failure error
				must(t, one, onLane(a, func(ctx context.Context) {
					wantErr(t, way.wait(ctx, onLane(bridge.Aim(ctx, c), func(ctx context.Context) {
						failure = way.wait(ctx, stranger(a)) // behind the job that waits for this one
					})), nil)
				}))
				wantErr(t, failure, bridge.ErrDeadlock)
				wantErr(t, errors.Join(endA(), endC()), nil)
			})
		})
	}
}

// Jobs that wait for each other's results have all begun: one of the waits is given up.
func TestB51_JobsThatWaitForEachOtherAreRefused(t *testing.T) {
	for _, way := range waysToWait[:5] {
		t.Run(way.name, func(t *testing.T) {
			twoBridges(t, func(t *testing.T, one, two context.Context) {
				a, endA := bridge.NewScope(one)
				c, endC := bridge.NewScope(two)
				results := make([]*bridge.Future[void], 2)
				failures := make([]error, 2)
				made := make(chan void)
				for i, scope := range []context.Context{a, c} {
					results[i] = onLane(scope, func(ctx context.Context) {
						<-made
						time.Sleep(time.Second) // until both have begun
						failures[i] = way.wait(ctx, results[1-i])
					})
				}
				close(made)
				must(t, one, results[0])
				must(t, two, results[1])
				if (failures[0] == nil) == (failures[1] == nil) {
					t.Errorf("errors are %v, want exactly one", failures)
				}
				wantErr(t, errors.Join(failures...), bridge.ErrDeadlock)
				wantErr(t, errors.Join(endA(), endC()), nil)
			})
		})
	}
}

// Lanes that wait for each other's end have no call to withdraw: one of the waits is given up.
func TestB54_LanesThatEndEachOther(t *testing.T) {
	twoBridges(t, func(t *testing.T, one, two context.Context) {
		lane := bridge.From(one).NewLane(bridge.LaneOptions{})
		scope, endScope := bridge.NewScope(two)
		failures := make([]error, 2)
		first := do(one, func(ctx context.Context) {
			time.Sleep(time.Second) // until both have begun
			failures[0] = endScope()
		}, bridge.OnLane(lane))
		second := onLane(scope, func(ctx context.Context) {
			time.Sleep(time.Second)
			failures[1] = lane.Close(ctx)
		})
		must(t, one, first)
		must(t, two, second)
		if (failures[0] == nil) == (failures[1] == nil) {
			t.Errorf("errors are %v, want exactly one", failures)
		}
		wantErr(t, errors.Join(failures...), bridge.ErrDeadlock)
		wantErr(t, errors.Join(lane.Close(two), endScope()), nil) // they end in the background
	})
}
