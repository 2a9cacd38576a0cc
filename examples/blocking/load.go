package main

import (
	"context"
	"fmt"
	"io"
	"runtime/pprof"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/parleygo/parley/bridge"
)

// load is the same for both ways.
type load struct {
	calls    int
	capacity int
	slow     time.Duration
	way      string // "both", or one of them
}

func (l load) compare(ctx context.Context, out io.Writer, back backend) error {
	bridged := func(ctx context.Context, d time.Duration) (string, error) {
		return bridge.Call(ctx, back.query, d, bridge.Pooled())
	}

	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "way\tthreads started\ttime\t")
	for _, way := range []struct {
		name string
		call blockingCall
	}{{"bridged", bridged}, {"naive", back.query}} {
		if l.way != "both" && l.way != way.name {
			continue
		}
		before := threadsStarted()
		begin := time.Now()
		if err := l.run(ctx, way.call); err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		took := time.Since(begin).Round(time.Millisecond)
		fmt.Fprintf(table, "%s\t%d\t%v\t\n", way.name, threadsStarted()-before, took)
	}
	return table.Flush()
}

// blockingCall blocks for about d.
type blockingCall func(ctx context.Context, d time.Duration) (string, error)

func (l load) run(ctx context.Context, call blockingCall) error {
	errs := make(chan error, l.calls)
	var wg sync.WaitGroup
	for range l.calls {
		wg.Go(func() {
			if _, err := call(ctx, l.slow); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs // nil if there is none
}

// threadsStarted counts the threads the runtime has made. Idle ones are kept, so it only grows.
func threadsStarted() int { return pprof.Lookup("threadcreate").Count() }
