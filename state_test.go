package parley_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

func TestState(t *testing.T) {
	if err := parley.Publish(t.Context(), 1); !errors.Is(err, parley.ErrNoState) {
		t.Errorf("published to nobody: %v", err)
	}
	if _, ok := parley.Published[int](t.Context()); ok {
		t.Error("there is a value that nobody published")
	}
	state := new(parley.State)
	ctx := parley.WithState(t.Context(), state)
	if err := parley.Publish(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if err := parley.Publish(ctx, 2); err == nil {
		t.Error("a type was published twice")
	}
	if err := parley.Publish[io.Reader](ctx, nil); err != nil {
		t.Fatal(err)
	}
	state.Seal()
	if err := parley.Publish(ctx, "late"); !errors.Is(err, parley.ErrNoState) {
		t.Errorf("published after the start: %v", err)
	}
	if got, ok := parley.Published[int](ctx); got != 1 || !ok {
		t.Errorf("found %v, %v", got, ok)
	}
	if _, ok := parley.Published[string](ctx); ok {
		t.Error("what came too late is there")
	}
}

// TestHookDeadlines: by when a hook must be done.
func TestHookDeadlines(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0: 30 * time.Second, time.Minute: time.Minute, time.Nanosecond: time.Nanosecond, -1: 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			var got []time.Duration
			hook := func(ctx context.Context) error {
				deadline, ok := ctx.Deadline()
				if !ok {
					deadline = time.Now()
				}
				got = append(got, time.Until(deadline))
				return nil
			}
			process := parleytest.Run(t, parley.LifespanHooks{
				Startup: hook, StartupTimeout: timeout, Shutdown: hook, ShutdownTimeout: timeout,
			})
			if err := errors.Join(process.Startup(), process.Shutdown()); err != nil {
				t.Error(err)
			}
			if !slices.Equal(got, []time.Duration{want, want}) {
				t.Errorf("timeout %v: bounded by %v, want %v", timeout, got, want)
			}
		})
	}
}

func TestLifespanHooks(t *testing.T) {
	fail := func(context.Context) error { return errors.New("no database") }
	slow := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, test := range []struct {
		name              string
		hooks             parley.LifespanHooks
		startup, shutdown bool // succeeds
	}{
		{"none", parley.LifespanHooks{}, true, true},
		{"start fails", parley.LifespanHooks{Startup: fail}, false, true},
		{"start panics", parley.LifespanHooks{Startup: func(context.Context) error { panic("no") }}, false, true},
		{"start takes too long", parley.LifespanHooks{Startup: slow, StartupTimeout: time.Second}, false, true},
		{"stop fails", parley.LifespanHooks{Shutdown: fail}, true, false},
		{"stop takes too long", parley.LifespanHooks{Shutdown: slow, ShutdownTimeout: time.Second}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				process := parleytest.Run(t, test.hooks)
				if err := process.Startup(); (err == nil) != test.startup {
					t.Errorf("start: %v", err)
				}
				if err := process.Shutdown(); (err == nil) != test.shutdown {
					t.Errorf("stop: %v", err)
				}
			})
		})
	}
	err := parley.LifespanHooks{}.Serve(t.Context(), &parley.Scope{Protocol: parley.HTTP}, nil)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("served HTTP: %v", err)
	}
}
