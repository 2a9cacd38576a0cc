package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// Executor runs hooks and handlers that block the thread they run on, as many C
// libraries do. bridge.OnPool makes one that bounds the number of threads, and
// bridge.OnThread one that gives each client a thread of its own. Its methods may
// be called from any goroutine.
type Executor interface {
	// Begin opens what the calls of one client share, such as a thread. They are
	// made with inner, or a context below it. end gives it back, after the last
	// of them.
	Begin(ctx context.Context) (inner context.Context, end func() error)

	// Run calls f where it may block, with ctx or a context below it, and returns
	// what f has returned, when f has. The end of ctx does not keep f from being
	// called: f finds its context ended. An error instead of the call means that
	// there is no capacity, and is taken for parley.ErrOverloaded.
	Run(ctx context.Context, f func(context.Context) error) error
}

// run runs a hook and waits for it, wherever the app's hooks run. One that panics
// on another goroutine panics here, with its own stack.
func (a *App) run(ctx context.Context, hook func(context.Context) error) error {
	if a.options.Executor == nil {
		return hook(ctx)
	}
	called, err := a.execute(ctx, hook)
	if panicked, ok := err.(*parley.PanicError); ok {
		panic(panicked)
	}
	if !called {
		return refused(err)
	}
	return err
}

// execute reports whether the executor has called the hook, and how the hook has
// ended, in whichever way.
func (a *App) execute(
	ctx context.Context, hook func(context.Context) error,
) (called bool, ended error) {
	err := usercode.Run(func() error {
		return a.options.Executor.Run(ctx, func(ctx context.Context) error {
			called = true
			usercode.Call(func() error { return hook(ctx) }, func(err error) { ended = err })
			return ended
		})
	})
	if !called {
		return false, err
	}
	return true, ended
}

// refused makes an error that is ErrOverloaded of what an executor says that has
// not made a call.
func refused(err error) error {
	switch {
	case err == nil:
		return fmt.Errorf("consumer: the executor has not made a call: %w", parley.ErrOverloaded)
	case errors.Is(err, parley.ErrOverloaded):
		return err
	}
	return fmt.Errorf("%w: %w", parley.ErrOverloaded, err)
}
