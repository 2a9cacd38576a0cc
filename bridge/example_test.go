package bridge_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/parleygo/parley/bridge"
)

// Wrappers are package-level values: they find their bridge and lane in the context of each call.
var (
	resolve = bridge.SyncToAsync(func(_ context.Context, host string) (string, error) {
		return host + " is at 192.0.2.1", nil // a blocking call into libc, say
	})
	save = bridge.SyncToAsync2(func(_ context.Context, key string, value int) (bool, error) {
		return value > 0, nil
	})
)

func Example() {
	b, err := bridge.New(bridge.Options{Capacity: 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := bridge.With(context.Background(), b)

	address := resolve(ctx, "example.org") // starts at once
	saved := save(ctx, "visits", 1)        // and so does this
	fmt.Println(address.Await(ctx))
	fmt.Println(saved.Await(ctx))
	fmt.Println(b.Close(context.Background()))
	// Output:
	// example.org is at 192.0.2.1 <nil>
	// true <nil>
	// <nil>
}

// However many requests come in, no more than Capacity of them block a thread.
func ExampleSyncToAsync() {
	b, err := bridge.New(bridge.Options{Capacity: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close(context.Background())

	var mu sync.Mutex
	running, most := 0, 0
	count := func(change int) {
		mu.Lock()
		defer mu.Unlock()
		running += change
		most = max(most, running)
	}
	query := bridge.SyncToAsync(func(_ context.Context, id int) (int, error) {
		count(+1)
		defer count(-1)
		time.Sleep(time.Millisecond) // blocks
		return id * id, nil
	})

	ctx := bridge.With(context.Background(), b)
	var requests []*bridge.Future[int]
	for id := range 6 {
		requests = append(requests, query(ctx, id))
	}
	fmt.Println(bridge.All(ctx, requests...))
	fmt.Println("never more than 2:", most <= 2)
	// Output:
	// [0 1 4 9 16 25] <nil>
	// never more than 2: true
}

// One request, one thread: what a library leaves on its thread is there for the next call.
func ExampleThreadSensitive() {
	var lastError string // stands for thread-local state of a C library
	open := bridge.SyncToAsync(func(_ context.Context, name string) (bool, error) {
		lastError = "cannot open " + name
		return false, nil
	})
	reason := bridge.SyncToAsync0(func(context.Context) (string, error) { return lastError, nil })

	handle := func(ctx context.Context) {
		ctx, end := bridge.ThreadSensitive(ctx)
		defer end()
		if ok, _ := open(ctx, "data.bin").Await(ctx); !ok {
			fmt.Println(reason(ctx).Await(ctx))
		}
	}
	handle(context.Background())
	// Output: cannot open data.bin <nil>
}

// Blocking code calls asynchronous code, which calls blocking code: the waiting thread serves the
// inner call.
func ExampleAsyncToSync() {
	step := 0
	next := bridge.SyncToAsync0(func(context.Context) (int, error) { // on the lane: needs no lock
		step++
		return step, nil
	})
	// Off the lane.
	gather := bridge.AsyncToSync(func(ctx context.Context, n int) (sum int, err error) {
		for range n {
			value, err := next(ctx).Await(ctx)
			if err != nil {
				return 0, err
			}
			sum += value
		}
		return sum, nil
	})
	// On the lane: blocks, and serves.
	outer := bridge.SyncToAsync0(func(ctx context.Context) (int, error) {
		step = 10
		return gather(ctx, 3)
	})

	ctx, end := bridge.ThreadSensitive(context.Background())
	defer end()
	fmt.Println(outer(ctx).Await(ctx))
	// Output: 36 <nil>
}

func ExampleAsCompleted() {
	after := bridge.SyncToAsync2(func(
		_ context.Context, first <-chan int, name string,
	) (string, error) {
		<-first
		return name, nil
	})
	ctx := context.Background()
	now, later := make(chan int), make(chan int)
	close(now)
	slow, fast := after(ctx, later, "slow"), after(ctx, now, "fast")
	for name, err := range bridge.AsCompleted(ctx, slow, fast) {
		fmt.Println(name, err)
		if name == "fast" {
			close(later)
		}
	}
	// Output:
	// fast <nil>
	// slow <nil>
}

// A handle that must stay on its thread, one per tenant.
func ExampleKeyed() {
	var handle bridge.LaneLocal[string]
	query := bridge.SyncToAsync(func(ctx context.Context, tenant string) (string, error) {
		opened, ok := handle.Get(ctx)
		if !ok {
			opened = "handle of " + tenant
			if err := handle.Set(ctx, opened); err != nil {
				return "", err
			}
			fmt.Println("opened", opened)
		}
		return opened, nil
	})
	for _, tenant := range []string{"blue", "green", "blue"} {
		ctx := bridge.Keyed(context.Background(), tenant)
		fmt.Println(query(ctx, tenant).Await(ctx))
	}
	// Output:
	// opened handle of blue
	// handle of blue <nil>
	// opened handle of green
	// handle of green <nil>
	// handle of blue <nil>
}

// The main thread belongs to the window system, so main lends it to the bridge while the program
// runs elsewhere.
func ExampleHost() {
	draw := bridge.SyncToAsync(func(_ context.Context, frame int) (string, error) {
		return fmt.Sprintf("frame %d on the main thread", frame), nil
	}, bridge.Sensitive())

	err := bridge.Host(context.Background(), func(ctx context.Context) error {
		for frame := range 2 {
			fmt.Println(draw(ctx, frame).Await(ctx))
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// frame 0 on the main thread <nil>
	// frame 1 on the main thread <nil>
	// <nil>
}

func ExampleLocal() {
	var queries bridge.Local[int]
	query := bridge.SyncToAsync0(func(ctx context.Context) (int, error) {
		return queries.Update(ctx, func(n int, _ bool) int { return n + 1 })
	})
	ctx := bridge.WithStore(context.Background(), nil)
	for range 3 {
		if _, err := query(ctx).Await(ctx); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(queries.Get(ctx))
	// Output: 3 true
}

// A call and its wait in one step. A library says where its function may run.
func ExampleCall() {
	b, err := bridge.New(bridge.Options{Capacity: 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close(context.Background())
	ctx := bridge.With(context.Background(), b)

	lookUp := func(_ context.Context, host string) (string, error) { return host + ": 192.0.2.1", nil }
	fmt.Println(bridge.Call(ctx, lookUp, "example.org", bridge.Pooled()))
	// Output: example.org: 192.0.2.1 <nil>
}

// The rows of a query are read one at a time, each by a blocking call.
func ExampleIterate() {
	rows := func(context.Context) iter.Seq[string] {
		return func(yield func(string) bool) {
			defer fmt.Println("cursor closed") // on the thread that opened it
			for _, row := range []string{"a", "b", "c"} {
				if !yield(row) {
					return
				}
			}
		}
	}
	ctx, end := bridge.ThreadSensitive(context.Background())
	defer end()
	for row, err := range bridge.Iterate(ctx, rows) {
		fmt.Println(row, err)
		if row == "b" {
			break
		}
	}
	// Output:
	// a <nil>
	// b <nil>
	// cursor closed
}

// All calls of a client run on one thread, from its first to its last, whether it has gone or not.
func ExampleOnThread() {
	b, err := bridge.New(bridge.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close(context.Background())

	executor := bridge.OnThread(b)
	client, end := executor.Begin(context.Background())
	for _, step := range []string{"connect", "receive", "disconnect"} {
		err := executor.Run(client, func(context.Context) error {
			fmt.Println(step)
			return nil
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(end())
	// Output:
	// connect
	// receive
	// disconnect
	// <nil>
}
