package bridge_test

import (
	"context"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// begunEarlier are things that an iterator begins in its first step and goes on with in the second,
// and that need the token of whoever waits for them.
var begunEarlier = map[string]func(t *testing.T, ctx context.Context, pause func()){
	"a scope": func(t *testing.T, ctx context.Context, pause func()) {
		scope, end := bridge.NewScope(ctx)
		pause()
		must(t, ctx, onLane(scope, usesPool(t)))
		must(t, scope, onLane(scope, usesPool(t)))
		wantErr(t, end(), nil)
	},
	"a key": func(t *testing.T, ctx context.Context, pause func()) {
		keyed := bridge.Keyed(ctx, "of the iterator's own")
		pause()
		must(t, keyed, onLane(keyed, usesPool(t)))
		must(t, keyed, poolThread(keyed))
	},
	"a host": func(t *testing.T, ctx context.Context, pause func()) {
		keyed := bridge.Keyed(ctx, "of the iterator's own")
		pause()
		wantErr(t, bridge.Host(keyed, func(ctx context.Context) error {
			usesPool(t)(ctx)
			return nil
		}), nil)
	},
	"a call that nobody's context awaits": func(t *testing.T, ctx context.Context, pause func()) {
		scope, end := bridge.NewScope(ctx)
		f := onLane(scope, usesPool(t))
		pause()
		must(t, context.Background(), f)
		wantErr(t, end(), nil)
	},
	"calls that complete": func(t *testing.T, ctx context.Context, pause func()) {
		scope, end := bridge.NewScope(ctx)
		first, second := inPool(ctx, func(context.Context) {}), onLane(scope, usesPool(t))
		n := 0
		for _, err := range bridge.AsCompleted(ctx, first, second) {
			wantErr(t, err, nil)
			n++
			pause()
		}
		wantEqual(t, "completed", n, 2)
		wantErr(t, end(), nil)
	},
}

// usesPool makes a function that is still at work in the next step, and then calls the pool.
func usesPool(t *testing.T) func(ctx context.Context) {
	return func(ctx context.Context) {
		time.Sleep(time.Second)
		must(t, ctx, poolThread(ctx))
	}
}

// What one step began is the work of the step that goes on with it: that waits, and puts its token
// down. Else a pool of one would hang.
func TestB97_WhatAnEarlierStepBegan(t *testing.T) {
	for name, test := range begunEarlier {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option,
			) {
				steps := 0
				seq := func(ctx context.Context) iter.Seq[int] {
					return func(yield func(int) bool) {
						test(t, ctx, func() {
							yield(steps)
							steps++
						})
					}
				}
				for _, err := range bridge.Iterate(ctx, seq, where) {
					wantErr(t, err, nil)
				}
				wantEqual(t, "went on", steps > 0, true)
			})
		})
	}
}

// Steps of one walk may stand on different jobs of the lane.
func TestB97_LoopOutlivesItsJob(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		seq := func(ctx context.Context) iter.Seq2[time.Duration, error] {
			return bridge.AsCompleted(ctx, sleepPooled(ctx, time.Second), sleepPooled(ctx, time.Minute))
		}
		begun, over := make(chan void), make(chan void)
		n := 0
		must(t, ctx, onLane(ctx, func(ctx context.Context) {
			go func() {
				defer close(over)
				for _, err := range bridge.Iterate2(ctx, seq, bridge.Sensitive()) {
					wantErr(t, err, nil)
					if n++; n == 1 {
						close(begun)
						time.Sleep(time.Second) // till the job is over
					}
				}
			}()
			wantErr(t, leave(ctx, func(context.Context) { <-begun }), nil)
		}))
		<-over
		wantEqual(t, "values", n, 2)
	})
}

// Whoever leaves the loop is taken along by a job that exits, as an aborted bridge drops the last
// step: the iterator cleans up all the same.
func TestB97_ExitAndAbortInTheCleanUp(t *testing.T) {
	options := bridge.Options{Capacity: 1, Unobserved: func(error) {}}
	inScope(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		numbers := &counter{upTo: 3}
		aborted := make(chan error, 1)
		loop := onLane(ctx, func(ctx context.Context) {
			for _, err := range bridge.Iterate(ctx, numbers.numbers, bridge.Pooled()) {
				wantErr(t, err, nil)
				inPool(ctx, func(context.Context) { time.Sleep(time.Minute) }) // nothing begins
				go func() {
					time.Sleep(time.Second)
					onLane(ctx, func(context.Context) { time.Sleep(2 * time.Second); runtime.Goexit() })
					time.Sleep(time.Second)
					aborted <- b.Abort(context.Background())
				}()
				break
			}
		})
		_, err := loop.Await(ctx)
		wantErr(t, err, parley.ErrGoexit)
		wantErr(t, <-aborted, nil)
		numbers.log.want(t, "made 0 closed")
	})
}
