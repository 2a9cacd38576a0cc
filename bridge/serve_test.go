package bridge_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/bridge"
)

func TestB23_LeaveRunsElsewhere(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		add := bridge.AsyncToSync2(func(_ context.Context, x, y int) (uint64, error) {
			return bridge.ThreadID() + uint64(x-y), nil
		})
		three := bridge.AsyncToSync3(func(_ context.Context, x, y, z int) (int, error) {
			return x + y + z, nil
		})
		must(t, ctx, onLane(ctx, func(ctx context.Context) {
			id, err := add(ctx, 2, 2)
			wantErr(t, err, nil)
			if id == bridge.ThreadID() {
				t.Error("f ran on the lane's thread")
			}
			sum, err := three(ctx, 1, 2, 3)
			wantErr(t, err, nil)
			wantEqual(t, "sum", sum, 6)
		}))
	})
}

func TestB24_LaneServesDescendants(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		threads := map[uint64]bool{}
		var sync, async func(ctx context.Context, depth int) (int, error)
		toAsync := bridge.SyncToAsync(func(ctx context.Context, depth int) (int, error) {
			return sync(ctx, depth)
		}, bridge.Sensitive())
		toSync := bridge.AsyncToSync(func(ctx context.Context, depth int) (int, error) {
			return async(ctx, depth)
		})
		sync = func(ctx context.Context, depth int) (int, error) {
			threads[bridge.ThreadID()] = true
			if depth == 0 {
				return 0, nil
			}
			n, err := toSync(ctx, depth-1)
			return n + 1, err
		}
		async = func(ctx context.Context, depth int) (int, error) {
			n, err := toAsync(ctx, depth).Await(ctx)
			return n + 1, err
		}
		wantEqual(t, "levels", must(t, ctx, toAsync(ctx, 25)), 50)
		wantEqual(t, "lane threads", len(threads), 1)
	})
}

func TestB25_ServesGoroutinesAndDeadlines(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		must(t, ctx, onLane(ctx, func(ctx context.Context) {
			id := bridge.ThreadID()
			wantErr(t, leave(ctx, func(ctx context.Context) {
				var wg sync.WaitGroup
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(ctx, time.Second)
					defer cancel()
					wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), id)
				})
				wg.Wait()
			}), nil)
		}))
	})
}

func TestB26_EveryWaitServes(t *testing.T) {
	for name, pick := range map[string]func(context.Context) context.Context{
		"own context": func(ctx context.Context) context.Context { return ctx },
		"foreign context": func(ctx context.Context) context.Context {
			return bridge.With(context.Background(), bridge.From(ctx))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inScope(t, bridge.Options{Capacity: 1}, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge,
			) {
				must(t, ctx, onLane(ctx, func(ctx context.Context) {
					id := bridge.ThreadID()
					backOnLane := func(ctx context.Context, then func(ctx context.Context)) {
						must(t, ctx, onLane(ctx, func(ctx context.Context) {
							wantEqual(t, "thread", bridge.ThreadID(), id)
							then(pick(ctx))
						}))
					}
					must(t, ctx, inPool(pick(ctx), func(ctx context.Context) {
						backOnLane(ctx, func(ctx context.Context) {
							must(t, ctx, inPool(ctx, func(ctx context.Context) {
								backOnLane(ctx, func(ctx context.Context) {
									wantErr(t, leave(ctx, func(ctx context.Context) {
										backOnLane(ctx, func(context.Context) {})
									}), nil)
								})
							}))
						})
					}))
				}))
			})
		})
	}
}

func TestB26_WaitsForOtherLanesAndSeveralFuturesServe(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		other := b.NewLane(bridge.LaneOptions{})
		second, err := bridge.New(bridge.Options{Engine: bridge.Goroutines{}})
		wantErr(t, err, nil)
		must(t, ctx, onLane(ctx, func(lane context.Context) {
			id := bridge.ThreadID()
			back := func(context.Context) { wantEqual(t, "thread", must(t, lane, threadOf(lane)), id) }
			must(t, lane, do(lane, back, bridge.OnLane(other)))
			must(t, lane, inPool(bridge.With(lane, second), back)) // a future of another bridge
			onOther := do(lane, back, bridge.OnLane(other))
			for _, err := range bridge.AsCompleted(lane, inPool(lane, back), onOther) {
				wantErr(t, err, nil)
			}
			inner, end := bridge.NewScope(lane)
			onLane(inner, back)
			wantErr(t, end(), nil) // ending another scope is a wait too
		}))
		wantErr(t, errors.Join(other.Close(ctx), second.Close(ctx)), nil)
	})
}

func TestB27_OnlyDescendantsAreServed(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var log orderLog
		event := func(name string) func(context.Context) {
			return func(context.Context) { log.add(name) }
		}
		var sibling *bridge.Future[struct{}]
		parked := onLane(ctx, func(inner context.Context) {
			log.add("A1")
			wantErr(t, leave(inner, func(inner context.Context) {
				sibling = onLane(ctx, event("S")) // the scope's context, not the job's
				must(t, inner, onLane(inner, event("d1")))
				must(t, inner, onLane(inner, event("d2")))
			}), nil)
			log.add("A2")
		})
		must(t, ctx, parked)
		must(t, ctx, sibling)
		log.want(t, "A1 d1 d2 A2 S")
	})
}

func TestB28_AcceptedJobsRunBeforeLeaveReturns(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var log orderLog
		must(t, ctx, onLane(ctx, func(ctx context.Context) {
			wantErr(t, leave(ctx, func(ctx context.Context) {
				onLane(ctx, func(context.Context) { time.Sleep(time.Second) }) // keeps the thread busy
				var wg sync.WaitGroup
				for _, name := range []string{"one", "two"} {
					wg.Go(func() { onLane(ctx, func(context.Context) { log.add(name) }) })
					wg.Wait()
				}
			}), nil)
			log.add("left")
		}))
		log.want(t, "one two left")
	})
}

func TestB29_LateJobsGoOutward(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var log orderLog
		var wg sync.WaitGroup
		late := func(ctx context.Context, after time.Duration, name string, id uint64) {
			wg.Go(func() {
				time.Sleep(after)
				wantEqual(t, name, must(t, ctx, threadOf(ctx)), id)
				log.add(name)
			})
		}
		outer := onLane(ctx, func(ctx context.Context) {
			id := bridge.ThreadID()
			wantErr(t, leave(ctx, func(ctx context.Context) {
				must(t, ctx, onLane(ctx, func(ctx context.Context) {
					wantErr(t, leave(ctx, func(ctx context.Context) {
						late(ctx, time.Second, "outer frame", id)
						late(ctx, 3*time.Second, "scope only", id)
					}), nil)
				}))
				log.add("inner frame over")
				time.Sleep(2 * time.Second)
			}), nil)
			log.add("outer frame over")
		})
		must(t, ctx, outer)
		wg.Wait()
		log.want(t, "inner frame over outer frame outer frame over scope only")
	})
}

func TestB29_ForwardedJobsKeepTheirOrder(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var log orderLog
		event := func(name string) func(context.Context) {
			return func(context.Context) { log.add(name) }
		}
		var all []*bridge.Future[struct{}]
		must(t, ctx, onLane(ctx, func(inner context.Context) {
			elsewhere := make(chan struct{})
			go func() { // holds the job's context without being on its thread
				defer close(elsewhere)
				all = append(all,
					onLane(ctx, event("1")), onLane(inner, event("2")),
					onLane(ctx, event("3")), onLane(inner, event("4")))
			}()
			<-elsewhere
		}))
		_, err := bridge.All(ctx, all...)
		wantErr(t, err, nil)
		log.want(t, "1 2 3 4")
	})
}

func TestB30_NoLaneLeft(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		scope, end := bridge.ThreadSensitive(ctx)
		var job context.Context
		must(t, ctx, onLane(scope, func(ctx context.Context) { job = ctx }))
		unused, endUnused := bridge.ThreadSensitive(ctx)
		wantErr(t, errors.Join(end(), endUnused()), nil)
		begin := time.Now()
		for name, late := range map[string]context.Context{"scope": scope, "job": job, "unused": unused} {
			_, err := threadOf(late).Await(ctx)
			if !errors.Is(err, bridge.ErrClosed) {
				t.Errorf("%s: error is %v", name, err)
			}
		}
		wantElapsed(t, begin, 0)
	})
}

func TestB31_LeaveOffLaneIsAPlainCall(t *testing.T) {
	bubble(t, bridge.Options{Capacity: 1}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		failure := errors.New("plain")
		same := bridge.AsyncToSync0(func(got context.Context) (uint64, error) {
			if got != ctx {
				t.Error("another context")
			}
			return bridge.ThreadID(), failure
		})
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		id, err := same(ctx)
		wantEqual(t, "thread", id, bridge.ThreadID())
		if err != failure {
			t.Errorf("error is %v", err)
		}
		wantPanic(t, "a panic in f", func() { _ = leave(ctx, func(context.Context) { panic("plain") }) })
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		wantErr(t, leave(cancelled, func(ctx context.Context) {
			wantErr(t, ctx.Err(), context.Canceled)
		}), nil)

		must(t, ctx, inPool(ctx, func(ctx context.Context) {
			wantErr(t, leave(ctx, func(context.Context) {
				wantEqual(t, "running", b.Stats().Running, 1) // the token stays held
			}), nil)
		}))
	})
}

func TestB32_LeaveInScopeMakesNoSecondLane(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		id := must(t, ctx, threadOf(ctx))
		wantErr(t, leave(ctx, func(ctx context.Context) {
			wantEqual(t, "thread", must(t, ctx, threadOf(ctx)), id)
		}), nil)
		wantEqual(t, "lanes", b.Stats().Lanes, 1)
	})
}

func TestB33_LeaveWaitsForItsFunction(t *testing.T) {
	for name, disturb := range map[string]func(ctx context.Context, cancel func()){
		"cancellation": func(_ context.Context, cancel func()) { cancel() },
		"Goexit in a served job": func(ctx context.Context, _ func()) {
			onLane(ctx, func(context.Context) { runtime.Goexit() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			ignore := func(error) {} // nobody awaits the job that exits
			inScope(t, bridge.Options{Unobserved: ignore}, func(
				t *testing.T, ctx context.Context, b *bridge.Bridge,
			) {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				var shared int // the race detector watches it
				begin := time.Now()
				outer := onLane(ctx, func(ctx context.Context) {
					defer func() { shared++ }()
					_ = leave(ctx, func(ctx context.Context) {
						disturb(ctx, cancel)
						time.Sleep(time.Second)
						shared++
					})
				})
				_, _ = outer.Await(ctx)
				wantElapsed(t, begin, time.Second)
				wantEqual(t, "writes", shared, 2)
			})
		})
	}
}

func TestB34_LeaveContextOutlivesItsFunction(t *testing.T) {
	inScope(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		var late, job context.Context
		must(t, ctx, onLane(ctx, func(ctx context.Context) {
			job = ctx
			wantErr(t, leave(ctx, func(ctx context.Context) { late = ctx }), nil)
		}))
		wantErr(t, late.Err(), nil)
		wantErr(t, job.Err(), nil)
	})
}

func TestB35_KeptHandlesSayClosed(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		lane := b.NewLane(bridge.LaneOptions{})
		onLaneWrapper := bridge.SyncToAsync0(thread, bridge.OnLane(lane))
		done := must(t, ctx, onLaneWrapper(ctx))
		kept := onLaneWrapper(ctx)
		scope, end := bridge.ThreadSensitive(ctx)
		wantErr(t, b.Close(context.Background()), nil)
		begin := time.Now()
		for _, call := range []*bridge.Future[uint64]{
			poolThread(ctx), onLaneWrapper(ctx), threadOf(scope), threadOf(bridge.Keyed(ctx, 1)),
		} {
			_, err := call.Await(context.Background())
			wantErr(t, err, bridge.ErrClosed)
		}
		wantErr(t, bridge.Host(ctx, func(context.Context) error { return nil }), bridge.ErrClosed)
		wantErr(t, errors.Join(end(), lane.Close(context.Background())), nil)
		wantEqual(t, "a completed future", must(t, ctx, kept), done)
		wantElapsed(t, begin, 0)
	})
}
