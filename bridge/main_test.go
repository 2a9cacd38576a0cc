package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/panjf2000/ants/v2"
	"github.com/parleygo/parley/bridge"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if program, ok := programs[os.Getenv("BRIDGE_TEST_PROGRAM")]; ok {
		program()
		return
	}
	code := m.Run()
	if err := errors.Join(
		bridge.Default().Close(context.Background()),
		ants.ReleaseTimeout(5*time.Second), // importing ants starts a pool of its own
	); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if n := bridge.LanesRegistered(); n != 0 {
		fmt.Fprintln(os.Stderr, n, "lane threads left")
		code = 1
	}
	os.Exit(code)
}

// bubble runs test in a synctest bubble with a bridge of its own, and checks that it closes with
// all accounts settled. In a bubble time is fake, and a hang is reported at once.
func bubble(t *testing.T, options bridge.Options, test func(
	t *testing.T, ctx context.Context, b *bridge.Bridge,
)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		options.Engine = bridge.Goroutines{}
		b, err := bridge.New(options)
		if err != nil {
			t.Fatal(err)
		}
		ctx := bridge.With(context.Background(), b)
		test(t, ctx, b)
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		settled(t, b)
	})
}

func settled(t *testing.T, b *bridge.Bridge) {
	t.Helper()
	s := b.Stats()
	if s.Running != 0 || s.Parked != 0 || s.Queued != 0 || s.Abandoned != 0 || s.Lanes != 0 {
		t.Errorf("accounts not settled: %+v", s)
	}
}

// sleep and thread are the two blocking functions most tests need.
var (
	sleepPooled = bridge.SyncToAsync(sleep, bridge.Pooled())
	sleepOnLane = bridge.SyncToAsync(sleep, bridge.Sensitive())
	threadOf    = bridge.SyncToAsync0(thread, bridge.Sensitive())
	poolThread  = bridge.SyncToAsync0(thread, bridge.Pooled())
)

func sleep(_ context.Context, d time.Duration) (time.Duration, error) {
	time.Sleep(d)
	return d, nil
}

func thread(context.Context) (uint64, error) { return bridge.ThreadID(), nil }

// do is a call of a function that has only effects.
func do(
	ctx context.Context, f func(ctx context.Context), options ...bridge.Option,
) *bridge.Future[struct{}] {
	return bridge.SyncToAsync0(func(ctx context.Context) (struct{}, error) {
		f(ctx)
		return struct{}{}, nil
	}, options...)(ctx)
}

func onLane(ctx context.Context, f func(ctx context.Context)) *bridge.Future[struct{}] {
	return do(ctx, f, bridge.Sensitive())
}

func inPool(ctx context.Context, f func(ctx context.Context)) *bridge.Future[struct{}] {
	return do(ctx, f, bridge.Pooled())
}

// leave calls a function that has only effects off the lane's thread, if it is called there.
func leave(ctx context.Context, f func(ctx context.Context)) error {
	_, err := bridge.AsyncToSync0(func(ctx context.Context) (struct{}, error) {
		f(ctx)
		return struct{}{}, nil
	})(ctx)
	return err
}

// must returns the value of a future that has to succeed.
func must[T any](t *testing.T, ctx context.Context, f *bridge.Future[T]) T {
	t.Helper()
	value, err := f.Await(ctx)
	if err != nil {
		t.Errorf("Await: %v", err)
	}
	return value
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

func wantElapsed(t *testing.T, begin time.Time, want time.Duration) {
	t.Helper()
	if took := time.Since(begin); took != want { // exact: the clock is the bubble's
		t.Errorf("took %v, want %v", took, want)
	}
}

func wantEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
