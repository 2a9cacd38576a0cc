package bridge_test

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/bridge"
)

// Benchmarks that state a goal measure a yardstick in the same run, in turns with the bridge, so
// that what else the machine does hits both. They report the best times and the median of the
// rounds' ratios.

const rounds = 21

// compare runs bridged and bare in turns, n operations each time.
func compare(b *testing.B, bare, bridged func(n int)) {
	n := max(b.N/rounds, 1)
	bestBare, best := time.Hour, time.Hour
	var ratios []float64
	for range rounds {
		a, c := timed(func() { bare(n) }), timed(func() { bridged(n) })
		bestBare, best = min(bestBare, a), min(best, c)
		ratios = append(ratios, float64(c)/float64(a))
	}
	slices.Sort(ratios)
	b.ReportMetric(float64(best.Nanoseconds())/float64(n), "ns/call")
	b.ReportMetric(float64(bestBare.Nanoseconds())/float64(n), "ns/bare")
	b.ReportMetric(ratios[rounds/2], "x/bare")
	b.ReportMetric(0, "ns/op") // it would be of both
}

func timed(f func()) time.Duration {
	begin := time.Now()
	f()
	return time.Since(begin)
}

// callers spreads n calls of f over several goroutines.
func callers(count, n int, f func()) {
	var wg sync.WaitGroup
	for range count {
		wg.Go(func() {
			for range n / count {
				f()
			}
		})
	}
	wg.Wait()
}

// goAndReceive is the bare round trip: start a goroutine, receive its result from a channel.
func goAndReceive() {
	result := make(chan int, 1)
	go func() { result <- 1 }()
	<-result
}

func empty(context.Context, int) (int, error) { return 1, nil }

func newBridge(b *testing.B) context.Context {
	b.Helper()
	br, err := bridge.New(bridge.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := br.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return bridge.With(context.Background(), br)
}

// BenchmarkCall is a whole pooled call of an empty function. Goal: at most 1.6 times the bare round
// trip, 1 allocation.
func BenchmarkCall(b *testing.B) {
	call := bridge.SyncToAsync(empty)
	for _, count := range []int{1, 64} {
		b.Run(plural(count, "caller"), func(b *testing.B) {
			ctx := newBridge(b)
			one := func() { _, _ = call(ctx, 1).Await(ctx) }
			b.ReportMetric(testing.AllocsPerRun(1000, one), "allocs/call")
			compare(b, func(n int) {
				callers(count, n, goAndReceive)
			}, func(n int) { callers(count, n, one) })
		})
	}
}

// BenchmarkLane is a lane call of an empty function. Goal for 64 callers: at most 2 µs each. The
// yardstick is what it costs to hand each call to a locked goroutine and back through channels.
func BenchmarkLane(b *testing.B) {
	call := bridge.SyncToAsync(empty)
	for _, count := range []int{1, 64} {
		b.Run(plural(count, "caller"), func(b *testing.B) {
			ctx, end := bridge.ThreadSensitive(newBridge(b))
			one := func() { _, _ = call(ctx, 1).Await(ctx) }
			calls, stop := lockedGoroutine()
			b.ReportMetric(testing.AllocsPerRun(100, one), "allocs/call")
			compare(b, func(n int) { callers(count, n, calls) }, func(n int) { callers(count, n, one) })
			stop()
			if err := end(); err != nil {
				b.Error(err)
			}
		})
	}
}

// BenchmarkScope is a thread-sensitive context that never makes a lane call. Goal: at most 1
// allocation.
func BenchmarkScope(b *testing.B) {
	ctx := newBridge(b)
	b.ReportAllocs()
	for b.Loop() {
		func() {
			_, end := bridge.ThreadSensitive(ctx)
			defer end()
		}()
	}
}

// BenchmarkReentrance is a lane call made on the lane itself.
func BenchmarkReentrance(b *testing.B) {
	call := bridge.SyncToAsync(empty)
	ctx, end := bridge.ThreadSensitive(newBridge(b))
	b.ReportAllocs()
	_, err := onLane(ctx, func(ctx context.Context) {
		for b.Loop() {
			_, _ = call(ctx, 1).Await(ctx)
		}
	}).Await(ctx)
	if err != nil || end() != nil {
		b.Error(err)
	}
}

// BenchmarkServe makes one lane call below AsyncToSync: off the lane's thread and back onto it.
func BenchmarkServe(b *testing.B) {
	call := bridge.SyncToAsync(empty, bridge.Sensitive())
	back := bridge.AsyncToSync(func(ctx context.Context, n int) (int, error) {
		return call(ctx, n).Await(ctx)
	})
	ctx, end := bridge.ThreadSensitive(newBridge(b))
	b.ReportAllocs()
	_, err := onLane(ctx, func(ctx context.Context) {
		for b.Loop() {
			_, _ = back(ctx, 1)
		}
	}).Await(ctx)
	if err != nil || end() != nil {
		b.Error(err)
	}
}

// lockedGoroutine is the simplest executor that keeps a thread: one channel in, one channel per
// call out.
func lockedGoroutine() (call, stop func()) {
	jobs := make(chan chan int)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		for result := range jobs {
			result <- 1
		}
	}()
	call = func() {
		result := make(chan int, 1)
		jobs <- result
		<-result
	}
	return call, func() { close(jobs); <-ended }
}

func plural(n int, what string) string {
	if n == 1 {
		return "1-" + what
	}
	return strconv.Itoa(n) + "-" + what + "s"
}

// BenchmarkNestedWaits is a wait for one of the nested calls that 64 functions wait for, in each
// way to wait. Goal: what a wait costs does not depend on how many calls each function waits for.
func BenchmarkNestedWaits(b *testing.B) {
	for _, way := range waysToWait {
		for _, fan := range []int{10, 100, 1000} {
			b.Run(way.name+"/"+strconv.Itoa(fan), func(b *testing.B) {
				ctx := newBridge(b)
				for b.Loop() {
					var outer []*bridge.Future[void]
					for range 64 {
						outer = append(outer, inPool(ctx, func(ctx context.Context) {
							_ = way.wait(ctx, fanOut(ctx, fan)...)
						}))
					}
					_, _ = bridge.All(ctx, outer...)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64*fan), "ns/wait")
			})
		}
	}
}
