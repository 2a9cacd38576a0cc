package bridge_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

func TestOneStepCalls(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		double := func(_ context.Context, n int) (int, error) { return 2 * n, nil }
		n, err := bridge.Call(ctx, double, 21, where)
		wantEqual(t, "result", n, 42)
		wantErr(t, err, nil)
		fails := func(context.Context) error { return errCause }
		wantErr(t, bridge.Do(ctx, fails, where), errCause)
		over, cancel := context.WithCancel(ctx)
		cancel()
		_, err = bridge.Call(over, double, 21, where)
		wantErr(t, err, context.Canceled)
		begin := time.Now()
		slow := func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
		wantErr(t, bridge.Do(ctx, slow, where, bridge.Timeout(time.Second)), bridge.ErrRunTimeout)
		wantElapsed(t, begin, time.Second)
	})
}

func TestErrorOnlyWrappers(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b *bridge.Bridge, where bridge.Option) {
		same := func(_ context.Context, err error) error { return err }
		wrapped := bridge.SyncToAsyncErr(same, where)
		wantErr(t, wrapped(ctx, errCause).Await(ctx), errCause)
		wantErr(t, wrapped(ctx, nil).Await(ctx), nil)
		task := bridge.SyncToAsyncErr0(func(context.Context) error { return errCause }, where)(ctx)
		<-task.Done()
		wantErr(t, task.Await(ctx), errCause)
		_, err := bridge.All(ctx, task.Future(), wrapped(ctx, nil).Future())
		wantErr(t, err, errCause)
		wantErr(t, bridge.Do(ctx, func(ctx context.Context) error {
			wantErr(t, bridge.AsyncToSyncErr0(func(ctx context.Context) error {
				return wrapped(ctx, errCause).Await(ctx)
			})(ctx), errCause)
			return bridge.AsyncToSyncErr(same)(ctx, nil)
		}, where), nil)
		var zero bridge.Task
		if zero.Await(ctx) == nil || zero.Done() != nil {
			t.Error("a zero Task looks complete")
		}
	})
}

// The sentinels belong to the kinds that all packages know.
func TestErrorsHaveTheirKinds(t *testing.T) {
	for _, c := range []struct {
		err   error
		kinds []error
		code  parley.CloseCode
	}{
		{bridge.ErrClosed, []error{parley.ErrClosed, net.ErrClosed}, parley.CodeOf(parley.ErrClosed)},
		{bridge.ErrQueueFull, []error{parley.ErrOverloaded}, parley.CloseTryAgainLater},
		{bridge.ErrNoThread, []error{parley.ErrOverloaded}, parley.CloseTryAgainLater},
		{bridge.ErrQueueTimeout, []error{context.DeadlineExceeded}, parley.CloseInternalError},
		{bridge.ErrRunTimeout, []error{context.DeadlineExceeded}, parley.CloseInternalError},
	} {
		for _, kind := range c.kinds {
			if !errors.Is(c.err, kind) {
				t.Errorf("%v is no %v", c.err, kind)
			}
		}
		wantEqual(t, "close code of "+c.err.Error(), parley.CodeOf(c.err), c.code)
	}
}
