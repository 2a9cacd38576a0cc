package bridge_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// counter is a blocking iterator that counts, and tells where and when it was there.
type counter struct {
	log     orderLog
	threads []uint64
	upTo    int
	atEnd   func(ctx context.Context) // of the clean-up
}

func (c *counter) numbers(ctx context.Context) iter.Seq[int] {
	return func(yield func(int) bool) {
		c.threads = append(c.threads, bridge.ThreadID())
		defer func() {
			c.threads = append(c.threads, bridge.ThreadID())
			c.log.add("closed")
			if c.atEnd != nil {
				c.atEnd(ctx)
			}
		}()
		for n := range c.upTo {
			time.Sleep(time.Second)
			c.threads = append(c.threads, bridge.ThreadID())
			c.log.add(fmt.Sprint("made ", n))
			if !yield(n) {
				return
			}
		}
	}
}

// places are where a walk can run. Each hands the test a context whose walks run there.
var places = map[string]func(
	t *testing.T, options bridge.Options, test func(ctx context.Context, b *bridge.Bridge),
){
	"pool": func(t *testing.T, o bridge.Options, test func(context.Context, *bridge.Bridge)) {
		bubble(t, o, func(_ *testing.T, ctx context.Context, b *bridge.Bridge) { test(ctx, b) })
	},
	"scope": func(t *testing.T, o bridge.Options, test func(context.Context, *bridge.Bridge)) {
		inScope(t, o, func(_ *testing.T, ctx context.Context, b *bridge.Bridge) { test(ctx, b) })
	},
	"key": func(t *testing.T, o bridge.Options, test func(context.Context, *bridge.Bridge)) {
		bubble(t, o, func(_ *testing.T, ctx context.Context, b *bridge.Bridge) {
			test(bridge.Keyed(ctx, "key"), b)
		})
	},
	"default lane": func(t *testing.T, o bridge.Options, test func(context.Context, *bridge.Bridge)) {
		o.DefaultLane = true
		bubble(t, o, func(_ *testing.T, ctx context.Context, b *bridge.Bridge) { test(ctx, b) })
	},
	"host": func(t *testing.T, o bridge.Options, test func(context.Context, *bridge.Bridge)) {
		bubble(t, o, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
			wantErr(t, bridge.Host(ctx, func(ctx context.Context) error {
				test(ctx, b)
				return nil
			}), nil)
		})
	},
	"on the lane": func(t *testing.T, o bridge.Options, test func(context.Context, *bridge.Bridge)) {
		inScope(t, o, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
			must(t, ctx, onLane(ctx, func(ctx context.Context) { test(ctx, b) }))
		})
	},
	"in the pool": func(t *testing.T, o bridge.Options, test func(context.Context, *bridge.Bridge)) {
		bubble(t, o, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
			must(t, ctx, inPool(ctx, func(ctx context.Context) { test(ctx, b) }))
		})
	},
	"below a lane": func(t *testing.T, o bridge.Options, test func(context.Context, *bridge.Bridge)) {
		inScope(t, o, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
			must(t, ctx, onLane(ctx, func(ctx context.Context) {
				wantErr(t, leave(ctx, func(ctx context.Context) { test(ctx, b) }), nil)
			}))
		})
	},
}

// inEveryPlace runs a test in each of the places. laneThread is 0 where steps may run anywhere.
func inEveryPlace(t *testing.T, test func(
	t *testing.T, ctx context.Context, b *bridge.Bridge, laneThread uint64,
)) {
	t.Helper()
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			place(t, bridge.Options{Capacity: 1}, func(ctx context.Context, b *bridge.Bridge) {
				var lane uint64
				if name != "pool" && name != "in the pool" {
					lane = must(t, ctx, bridge.SyncToAsync0(thread)(ctx))
				}
				test(t, ctx, b, lane)
			})
		})
	}
}

// One value at a time, each made where calls run, and the place is free between the steps.
func TestB97_StepsRunOnTheBridge(t *testing.T) {
	inEveryPlace(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, lane uint64) {
		numbers := &counter{upTo: 3}
		begin := time.Now()
		for n, err := range bridge.Iterate(ctx, numbers.numbers) {
			wantErr(t, err, nil)
			numbers.log.add(fmt.Sprint("got ", n))
			must(t, ctx, bridge.SyncToAsync0(thread)(ctx)) // finds a free lane or token
		}
		numbers.log.want(t, "made 0 got 0 made 1 got 1 made 2 got 2 closed")
		wantElapsed(t, begin, 3*time.Second)
		for _, id := range numbers.threads {
			if lane != 0 {
				wantEqual(t, "thread of a step", id, lane)
			}
		}
	})
}

// However a loop is left, the iterator has cleaned up by then, where its steps ran.
func TestB97_LoopsThatAreLeft(t *testing.T) {
	for name, leave := range map[string]func(cancel func()) (stop bool){
		"break":        func(func()) bool { return true },
		"panic":        func(func()) bool { panic(errCause) },
		"exit":         func(func()) bool { runtime.Goexit(); return true },
		"end of ctx":   func(cancel func()) bool { cancel(); return false },
		"ctx and exit": func(cancel func()) bool { cancel(); runtime.Goexit(); return true },
	} {
		t.Run(name, func(t *testing.T) {
			inEveryPlace(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, lane uint64) {
				if strings.Contains(name, "exit") && lane != 0 && lane == bridge.ThreadID() {
					return // would take the lane along
				}
				numbers := &counter{upTo: 9}
				walked, cancel := context.WithCancelCause(ctx)
				defer cancel(nil)
				var last error
				loop := func() {
					defer func() { _ = recover() }()
					for _, err := range bridge.Iterate(walked, numbers.numbers) {
						last = err
						if err == nil && leave(func() { cancel(errCause) }) {
							break
						}
					}
				}
				if strings.Contains(name, "exit") {
					ended := make(chan void)
					go func() { defer close(ended); loop() }()
					<-ended
				} else {
					loop()
				}
				numbers.log.want(t, "made 0 closed")
				if name == "end of ctx" {
					wantErr(t, last, errCause)
				}
				for _, id := range numbers.threads {
					if lane != 0 {
						wantEqual(t, "thread of a step", id, lane)
					}
				}
				must(t, ctx, bridge.SyncToAsync0(thread)(ctx))
			})
		})
	}
}

// What an iterator does with its ctx below a step is the work of that step: at capacity 1, on its
// own lane, and in a walk within a walk.
func TestB97_IteratorsThatCall(t *testing.T) {
	inEveryPlace(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, lane uint64) {
		inner := &counter{upTo: 2}
		twice := func(ctx context.Context) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for n, err := range bridge.Iterate(ctx, inner.numbers) {
					must(t, ctx, bridge.SyncToAsync0(thread)(ctx))
					wantErr(t, leave(ctx, func(ctx context.Context) {
						must(t, ctx, bridge.SyncToAsync0(thread)(ctx))
						must(t, ctx, poolThread(ctx))
					}), nil)
					if !yield(2*n, err) {
						return
					}
				}
			}
		}
		var got []int
		for n, err := range bridge.Iterate2(ctx, twice) {
			wantErr(t, err, nil)
			got = append(got, n)
		}
		wantEqual(t, "values", fmt.Sprint(got), "[0 2]")
		for range bridge.Iterate2(ctx, twice) { // and once more, with an early end
			break
		}
		inner.log.want(t, "made 0 made 1 closed made 0 closed")
	})
}

// An error of the iterator's own ends the walk only if the iterator ends.
func TestB97_Iterate2HandsErrorsOn(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		rows := func(context.Context) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				_ = yield("a", nil) && yield("b", errCause) && yield("c", nil)
			}
		}
		var got []string
		for row, err := range bridge.Iterate2(ctx, rows, where) {
			got = append(got, fmt.Sprint(row, err != nil))
		}
		wantEqual(t, "rows", fmt.Sprint(got), "[afalse btrue cfalse]")
	})
}

// An iterator may pass on another context than its own, and lock its thread where Go can bear it.
func TestB97_StrangeIterators(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		strange := func(context.Context) iter.Seq[uint64] {
			return func(yield func(uint64) bool) {
				_ = yield(must(t, ctx, threadOf(ctx))) && yield(bridge.ThreadID())
			}
		}
		n := 0
		for range bridge.Iterate(ctx, strange, where) {
			n++
		}
		wantEqual(t, "values", n, 2)
	})
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		locked := func(context.Context) iter.Seq[uint64] {
			return func(yield func(uint64) bool) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				for range 2 {
					if !yield(bridge.ThreadID()) {
						return
					}
				}
			}
		}
		var ids []uint64
		for id := range bridge.Iterate(ctx, locked, bridge.Pooled()) {
			ids = append(ids, id)
		}
		wantEqual(t, "one thread", ids[0] == ids[1], true)
	})
}

func TestB97_EmptyAndNil(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		nothing := func(context.Context) iter.Seq[int] { return func(func(int) bool) {} }
		for n, err := range bridge.Iterate(ctx, nothing, where) {
			t.Error("yielded", n, err)
		}
		broken := func(context.Context) iter.Seq[int] { return nil }
		for _, err := range bridge.Iterate(ctx, broken, where) {
			wantErr(t, err, parley.ErrAppPanic)
		}
		over, cancel := context.WithCancelCause(ctx)
		cancel(errCause)
		n := 0
		for _, err := range bridge.Iterate(over, broken, where) {
			wantErr(t, err, errCause)
			n++
		}
		wantEqual(t, "yields", n, 1)
	})
}

// An iterator that yields inside a call of its own on its lane would leave that call open, on a
// thread that others go on using. In the pool the call keeps its place, and nothing else.
func TestB97_YieldInsideACall(t *testing.T) {
	inside := func(ctx context.Context) iter.Seq[int] {
		return func(yield func(int) bool) {
			_, _ = bridge.SyncToAsync0(func(context.Context) (void, error) {
				_ = yield(1) && yield(2)
				return void{}, nil
			})(ctx).Await(ctx)
		}
	}
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			place(t, bridge.Options{Capacity: 3}, func(ctx context.Context, _ *bridge.Bridge) {
				sum, failures := 0, 0
				for value, err := range bridge.Iterate(ctx, inside) {
					sum += value
					if err != nil {
						failures++
					}
				}
				want := [2]int{0, 1}
				if name == "pool" || name == "in the pool" {
					want = [2]int{3, 0}
				}
				if [2]int{sum, failures} != want {
					t.Errorf("values %d, failures %d, not %v", sum, failures, want)
				}
				must(t, ctx, bridge.SyncToAsync0(thread)(ctx)) // the lane goes on
			})
		})
	}
}
