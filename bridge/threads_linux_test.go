package bridge_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parleygo/parley/bridge"
)

func init() {
	programs["bounded"] = boundedReads
	programs["unbounded"] = unboundedReads
	programs["naps"] = boundedNaps
	programs["host"] = hostBetweenPulls
}

func TestB3_ThreadsAreBounded(t *testing.T) {
	wantPassed(t, "bounded")
	wantPassed(t, "naps")
	// The control: without the bridge the same load kills the process.
	out, err := runProgram(t, "unbounded")
	if err == nil || !bytes.Contains([]byte(out), []byte("thread exhaustion")) {
		t.Errorf("unbounded reads did not exhaust the threads: %v\n%.500s", err, out)
	}
}

func TestB17_HostKeepsTheLockCount(t *testing.T) { wantPassed(t, "host") }

const reads = 300

func pipe() (r, w int) {
	var p [2]int
	if err := syscall.Pipe(p[:]); err != nil {
		panic(err)
	}
	return p[0], p[1]
}

func readByte(_ context.Context, fd int) (int, error) { return syscall.Read(fd, make([]byte, 1)) }

func threadCount() int {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		panic(err)
	}
	return len(tasks)
}

func boundedReads() {
	debug.SetMaxThreads(60)
	b, err := bridge.New(bridge.Options{Capacity: 20})
	if err != nil {
		panic(err)
	}
	ctx := bridge.With(context.Background(), b)
	read := bridge.SyncToAsync(readByte)
	r, w := pipe()
	var futures []*bridge.Future[int]
	for range reads {
		futures = append(futures, read(ctx, r))
	}
	most := 0
	for range reads {
		most = max(most, threadCount())
		if _, err := syscall.Write(w, []byte{1}); err != nil {
			panic(err)
		}
	}
	if _, err := bridge.All(ctx, futures...); err != nil {
		panic(err)
	}
	report(most, 20)
}

func unboundedReads() {
	debug.SetMaxThreads(60)
	r, _ := pipe() // nothing is ever written: the readers block, each on its thread
	var wg sync.WaitGroup
	for range reads {
		wg.Go(func() { _, _ = readByte(context.Background(), r) })
	}
	wg.Wait()
}

// boundedNaps is the short version of 20 000 calls of a blocking system call with default options.
func boundedNaps() {
	nap := bridge.SyncToAsync(func(context.Context, struct{}) (struct{}, error) {
		d := syscall.NsecToTimespec(int64(5 * time.Millisecond))
		return struct{}{}, syscall.Nanosleep(&d, nil)
	})
	ctx := context.Background()
	var futures []*bridge.Future[struct{}]
	for range 2000 {
		futures = append(futures, nap(ctx, struct{}{}))
	}
	most := 0
	for _, f := range futures {
		if _, err := f.Await(ctx); err != nil && err != syscall.EINTR {
			panic(err)
		}
		most = max(most, threadCount())
	}
	report(most, bridge.Default().Stats().Capacity)
}

func report(most, capacity int) {
	if most > capacity+16 {
		fmt.Println("threads:", most, "capacity:", capacity)
		os.Exit(1)
	}
	fmt.Println(passed)
}

// hostBetweenPulls dies of a fatal error if Host leaves another lock count than it found: an
// iter.Pull iterator remembers that of its creation.
func hostBetweenPulls() {
	runtime.LockOSThread()
	next, stop := iter.Pull(func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
		}
	})
	defer stop()
	next()
	ctx := context.Background()
	for range 3 {
		err := bridge.Host(ctx, func(ctx context.Context) error {
			_, err := threadOf(ctx).Await(ctx)
			return err
		})
		if err != nil {
			panic(err)
		}
		next()
	}
	fmt.Println(passed)
}
