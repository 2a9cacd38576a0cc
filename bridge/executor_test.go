package bridge_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// executors runs a test with each kind of executor, by name and by context.
func executors(t *testing.T, test func(
	*testing.T, context.Context, *bridge.Bridge, bridge.Executor,
)) {
	t.Helper()
	for name, of := range map[string]func(*bridge.Bridge) bridge.Executor{
		"pool": bridge.OnPool, "thread": bridge.OnThread,
	} {
		options := bridge.Options{Capacity: 1, QueueLimit: 1}
		t.Run(name, func(t *testing.T) {
			bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
				test(t, context.Background(), b, of(b))
				test(t, ctx, b, of(nil))
			})
		})
	}
}

func TestExecutorRunsAndReturns(t *testing.T) {
	failure := errors.New("the function's own")
	for _, c := range []struct {
		name  string
		f     func(context.Context) error
		check func(*testing.T, error)
	}{
		{"value", func(context.Context) error { return nil }, wants(nil)},
		{"error", func(context.Context) error { return failure }, wants(failure)},
		{"its own ErrClosed is no refusal", func(context.Context) error { return bridge.ErrClosed },
			func(t *testing.T, err error) { wantEqual(t, "error", err, bridge.ErrClosed) }},
		{"panic", func(context.Context) error { panic(failure) }, wants(failure)},
	} {
		t.Run(c.name, func(t *testing.T) {
			executors(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, e bridge.Executor) {
				inner, end := e.Begin(ctx)
				c.check(t, e.Run(inner, c.f))
				wantErr(t, end(), nil)
			})
		})
	}
}

func wants(want error) func(*testing.T, error) {
	return func(t *testing.T, err error) { wantErr(t, err, want) }
}

func TestExecutorKeepsAClientToOneThread(t *testing.T) {
	bubble(t, bridge.Options{}, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		e := bridge.OnThread(nil)
		inner, end := e.Begin(ctx)
		var first uint64
		for range 3 {
			wantErr(t, e.Run(inner, func(ctx context.Context) error {
				id := bridge.ThreadID()
				if first == 0 {
					first = id
				}
				wantEqual(t, "thread", id, first)
				wantEqual(t, "nested thread", must(t, ctx, threadOf(ctx)), first)
				return nil
			}), nil)
		}
		wantErr(t, end(), nil)
	})
}

func TestExecutorRunsCleanUpOfAClientThatLeft(t *testing.T) {
	executors(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, e bridge.Executor) {
		ctx, cancel := context.WithCancelCause(ctx)
		inner, end := e.Begin(ctx)
		cancel(errCause)
		ran := false
		wantErr(t, e.Run(inner, func(ctx context.Context) error {
			ran = true
			<-ctx.Done()
			wantErr(t, context.Cause(ctx), errCause)
			below, stop := context.WithCancel(ctx)
			defer stop()
			wantErr(t, context.Cause(below), errCause)
			return nil
		}), nil)
		wantEqual(t, "ran", ran, true)
		wantErr(t, end(), nil)
	})
}

func TestExecutorRefusalsAreOverload(t *testing.T) {
	executors(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, e bridge.Executor) {
		inner, end := e.Begin(ctx)
		busy := func(context.Context) error { time.Sleep(time.Second); return nil }
		go e.Run(inner, busy)
		synctest.Wait()
		go e.Run(inner, busy) // fills the queue
		synctest.Wait()
		err := e.Run(inner, func(context.Context) error { t.Error("ran"); return nil })
		wantErr(t, err, parley.ErrOverloaded)
		wantErr(t, err, bridge.ErrQueueFull)
		time.Sleep(time.Hour)
		wantErr(t, end(), nil)
	})
	executors(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, e bridge.Executor) {
		inner, end := e.Begin(ctx)
		wantErr(t, b.Close(context.Background()), nil)
		err := e.Run(inner, func(context.Context) error { t.Error("ran"); return nil })
		wantErr(t, err, parley.ErrOverloaded)
		wantErr(t, err, bridge.ErrClosed)
		wantErr(t, end(), nil)
	})
}
