package bridge_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// An iterator that ends badly fails the loop once, and leaves nothing behind. On a lane, one that
// exits takes the lane along, as any job does.
func TestB97_IteratorsThatEndBadly(t *testing.T) {
	for _, c := range badEnds {
		t.Run(c.name, func(t *testing.T) {
			for _, good := range []int{0, 1} {
				everywhere(t, func(
					t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option,
				) {
					breaks := func(context.Context) iter.Seq[int] {
						return func(yield func(int) bool) {
							for n := range good {
								yield(n)
							}
							c.end()
						}
					}
					var failures []error
					values := 0
					for _, err := range bridge.Iterate(ctx, breaks, where) {
						if err == nil {
							values++
						} else {
							failures = append(failures, err)
						}
					}
					wantEqual(t, "values", values, good)
					wantEqual(t, "failures", len(failures), 1)
					wantErr(t, errors.Join(failures...), c.want)
				})
			}
		})
	}
}

func TestB97_PanicKeepsItsStack(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		breaks := func(context.Context) iter.Seq[int] {
			return func(func(int) bool) { breaksInWalk() }
		}
		for _, err := range bridge.Iterate(ctx, breaks, where) {
			var p *parley.PanicError
			if !errors.As(err, &p) || !strings.Contains(string(p.Stack), "breaksInWalk") {
				t.Errorf("stack of %v does not tell who panicked", err)
			}
		}
		defer func() {
			p, _ := recover().(*parley.PanicError)
			wantErr(t, p, errCause)
		}()
		for range bridge.Iterate(ctx, breaks, where, bridge.Repanic()) {
			t.Error("yielded")
		}
	})
}

//go:noinline
func breaksInWalk() { panic(errCause) }

// Nobody waits for the failure of a clean-up: it goes to the hook.
func TestB97_CleanUpsThatEndBadly(t *testing.T) {
	for _, c := range badEnds {
		t.Run(c.name, func(t *testing.T) {
			for name, where := range poolAndLane {
				t.Run(name, func(t *testing.T) {
					var reported []error
					options := bridge.Options{
						Repanic:    true,
						Unobserved: func(err error) { reported = append(reported, err) },
					}
					inScope(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
						numbers := &counter{upTo: 2, atEnd: func(context.Context) { c.end() }}
						for range bridge.Iterate(ctx, numbers.numbers, where) {
							break
						}
						wantEqual(t, "reports", len(reported), 1)
						wantErr(t, errors.Join(reported...), c.want)
					})
				})
			}
		})
	}
}

// Close waits for the loop, whose steps go on; Abort as well.
func TestB97_BridgeClosedInTheMiddle(t *testing.T) {
	for name, end := range map[string]func(*bridge.Bridge, context.Context) error{
		"close": (*bridge.Bridge).Close, "abort": (*bridge.Bridge).Abort,
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
				numbers := &counter{upTo: 3}
				closed := make(chan error)
				got := 0
				for n, err := range bridge.Iterate(ctx, numbers.numbers, where) {
					wantErr(t, err, nil)
					if n == 0 {
						go func() { closed <- end(b, context.Background()) }()
						synctest.Wait()
						for _, err := range bridge.Iterate(ctx, numbers.numbers, where) {
							wantErr(t, err, bridge.ErrClosed)
						}
					}
					got++
				}
				wantEqual(t, "values", got, 3)
				wantErr(t, <-closed, nil)
				numbers.log.want(t, "made 0 made 1 made 2 closed")
			})
		})
	}
}

// An aborted bridge fails the step that waits, and the iterator cleans up all the same.
func TestB97_StepAborted(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		numbers := &counter{upTo: 3}
		var last error
		hold := make(chan void)
		loop := make(chan void)
		var aborted error
		go func() {
			defer close(loop)
			for n, err := range bridge.Iterate(ctx, numbers.numbers, where) {
				last = err
				if n == 0 && err == nil {
					do(ctx, func(context.Context) { <-hold }, where)
					synctest.Wait()
				}
			}
		}()
		time.Sleep(2 * time.Second) // the second step waits
		ended := make(chan void)
		go func() { defer close(ended); aborted = b.Abort(context.Background()) }()
		synctest.Wait()
		close(hold)
		<-loop
		<-ended
		wantErr(t, aborted, nil)
		wantErr(t, last, bridge.ErrClosed)
		numbers.log.want(t, "made 0 closed")
	})
}

// A lane that ends in the middle of a walk has the iterator clean up on its thread.
func TestB97_LaneGoneInTheMiddle(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(ctx context.Context, l *bridge.Lane) error
		want error
	}{
		{"closed", func(ctx context.Context, l *bridge.Lane) error {
			return l.Close(ctx)
		}, bridge.ErrClosed},
		{"lost", func(ctx context.Context, l *bridge.Lane) error {
			_, err := do(ctx, func(context.Context) { runtime.Goexit() }, bridge.OnLane(l)).Await(ctx)
			if !errors.Is(err, parley.ErrGoexit) {
				return err
			}
			return l.Close(ctx) // so that it is over
		}, bridge.ErrLaneLost},
	} {
		for name, leave := range map[string]bool{"goes on": false, "breaks": true} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
					l := b.NewLane(bridge.LaneOptions{})
					numbers := &counter{upTo: 3}
					var last error
					for n, err := range bridge.Iterate(ctx, numbers.numbers, bridge.OnLane(l)) {
						last = err
						if n > 0 || err != nil {
							continue
						}
						wantErr(t, c.end(ctx, l), nil)
						numbers.log.want(t, "made 0 closed")
						if leave {
							break
						}
					}
					if !leave {
						wantErr(t, last, c.want)
					}
					for _, id := range numbers.threads {
						wantEqual(t, "thread", id, numbers.threads[0])
					}
				})
			})
		}
	}
}

// A walk that is never ended does not outlive its lane.
func TestB97_AbandonedWalk(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		scope, end := bridge.ThreadSensitive(ctx)
		numbers := &counter{upTo: 3}
		next, stop := iter.Pull2(bridge.Iterate(scope, numbers.numbers))
		_, err, _ := next()
		wantErr(t, err, nil)
		wantErr(t, end(), nil)
		numbers.log.want(t, "made 0 closed")
		wantErr(t, b.Close(ctx), nil)
		stop() // much later, and in vain
		numbers.log.want(t, "made 0 closed")
	})
}

// A keyed lane keeps its thread while somebody walks on it, even if others need one; then it ends
// as any.
func TestB97_KeyedLaneStaysForAWalk(t *testing.T) {
	options := bridge.Options{KeyIdle: time.Second, MaxLanes: 1}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		keyed := bridge.Keyed(ctx, "key")
		numbers := &counter{upTo: 3}
		var other *bridge.Future[uint64]
		for n, err := range bridge.Iterate(keyed, numbers.numbers) {
			wantErr(t, err, nil)
			if n == 1 {
				other = threadOf(bridge.Keyed(ctx, "other"))
			}
			time.Sleep(time.Minute)
			wantEqual(t, "lanes", b.Stats().Lanes, 1)
		}
		for _, id := range numbers.threads {
			wantEqual(t, "thread", id, numbers.threads[0])
		}
		must(t, ctx, other)
		time.Sleep(time.Minute)
		wantEqual(t, "lanes", b.Stats().Lanes, 0)
		wantEqual(t, "keys", b.KeysKnown(), 0)
	})
}

// Only the first step can be refused for want of a place.
func TestB97_LimitsHoldForTheFirstStep(t *testing.T) {
	everywhereLimited(t, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option,
	) {
		numbers := &counter{upTo: 2}
		var busy []*bridge.Future[struct{}]
		for n, err := range bridge.Iterate(ctx, numbers.numbers, where) {
			wantErr(t, err, nil)
			if n > 0 {
				continue
			}
			for range 2 { // one runs, one waits: full
				busy = append(busy, do(ctx, func(context.Context) { time.Sleep(time.Second) }, where))
				synctest.Wait()
			}
			for _, err := range bridge.Iterate(ctx, numbers.numbers, where) {
				wantErr(t, err, bridge.ErrQueueFull)
			}
		}
		numbers.log.want(t, "made 0 made 1 closed")
		_, err := bridge.All(ctx, busy...)
		wantErr(t, err, nil)
	})
}

func everywhereLimited(t *testing.T, test func(
	t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option,
)) {
	for name, where := range poolAndLane {
		t.Run(name, func(t *testing.T) {
			inScope(t, bridge.Options{Capacity: 1, QueueLimit: 1}, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge,
			) {
				test(t, ctx, b, where)
			})
		})
	}
}

// What a host's end runs cannot wait for the thread that is being given back.
func TestB30_CallsFromTheEndOfAHost(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var got []error
		var given context.Context
		value := bridge.LaneLocal[int]{Close: func(int) {
			_, err := threadOf(given).Await(given)
			got = append(got, err)
		}}
		numbers := &counter{upTo: 2, atEnd: func(ctx context.Context) {
			_, err := threadOf(ctx).Await(ctx)
			got = append(got, err)
		}}
		var stop func()
		wantErr(t, bridge.Host(ctx, func(ctx context.Context) error {
			given = ctx
			must(t, ctx, onLane(ctx, func(ctx context.Context) { wantErr(t, value.Set(ctx, 1), nil) }))
			var next func() (int, error, bool)
			next, stop = iter.Pull2(bridge.Iterate(ctx, numbers.numbers))
			next()
			return nil
		}), nil)
		stop()
		numbers.log.want(t, "made 0 closed")
		wantEqual(t, "calls", len(got), 2)
		for _, err := range got {
			wantErr(t, err, bridge.ErrClosed)
		}
	})
}

// A job that exits takes along the thread that waits for a step, and not before the step is over.
func TestB97_ExitWhileAStepRuns(t *testing.T) {
	for name, begun := range map[string]bool{"running": true, "queued": false} {
		t.Run(name, func(t *testing.T) {
			options := bridge.Options{Capacity: 1, Unobserved: func(error) {}}
			inScope(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				numbers := &counter{upTo: 3}
				if !begun {
					inPool(ctx, func(context.Context) { time.Sleep(time.Second) })
				}
				loop := onLane(ctx, func(ctx context.Context) {
					go func() {
						time.Sleep(time.Second / 2)
						onLane(ctx, func(context.Context) { runtime.Goexit() })
					}()
					for range bridge.Iterate(ctx, numbers.numbers, bridge.Pooled()) {
						t.Error("yielded")
					}
				})
				_, err := loop.Await(ctx)
				wantErr(t, err, parley.ErrGoexit)
				numbers.log.want(t, "made 0 closed")
			})
		})
	}
}

// A loop whose wait would close a ring of lanes fails, and its iterator cleans up when it can.
func TestB97_WalkInARing(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		first, endFirst := bridge.NewScope(ctx)
		second, endSecond := bridge.NewScope(ctx)
		var log orderLog
		var loop *bridge.Future[struct{}]
		crossing := func(ctx context.Context) iter.Seq[int] {
			return func(yield func(int) bool) {
				defer log.add("closed")
				_, err := loop.Await(ctx) // which waits for this very step
				if errors.Is(err, bridge.ErrDeadlock) {
					log.add("iterator told")
				}
				_ = yield(1) && yield(2)
			}
		}
		started := make(chan void)
		loop = onLane(first, func(ctx context.Context) {
			<-started
			for _, err := range bridge.Iterate(bridge.Aim(ctx, second), crossing) {
				if errors.Is(err, bridge.ErrDeadlock) {
					log.add("loop told")
				}
			}
		})
		close(started)
		must(t, ctx, loop)
		wantErr(t, errors.Join(endFirst(), endSecond()), nil)
		if text := strings.Join(log.events, " "); text != "loop told closed" && text != "iterator told closed" {
			t.Errorf("log is %q", text)
		}
	})
}
