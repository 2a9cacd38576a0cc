package bridge

import "context"

// Call runs fn on the bridge and waits for what it returns: a call and its Await in one step, with
// one context. Where it runs, and how it ends, is as [SyncToAsync] and [Future.Await] have it. Even
// a goroutine that exits out of it does so no sooner than fn has returned.
func Call[A, R any](
	ctx context.Context, fn func(context.Context, A) (R, error), arg A, options ...Option,
) (R, error) {
	if fn == nil {
		panic("bridge: Call: nil function")
	}
	return start(ctx, fn, arg, newSettings(options)).awaitWhole(ctx)
}

// Do is [Call] for a function that takes nothing and returns nothing but an error.
func Do(ctx context.Context, fn func(context.Context) error, options ...Option) error {
	if fn == nil {
		panic("bridge: Do: nil function")
	}
	_, err := startErr0(ctx, fn, newSettings(options)).future.awaitWhole(ctx)
	return err
}
