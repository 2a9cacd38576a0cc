package bridge

import "context"

// Call runs fn on the bridge and waits for what it returns: a call and its Await in one step, with
// one context. Where it runs, and how it ends, is as [SyncToAsync] and [Future.Await] have it.
func Call[A, R any](
	ctx context.Context, fn func(context.Context, A) (R, error), arg A, options ...Option,
) (R, error) {
	if fn == nil {
		panic("bridge: Call: nil function")
	}
	return start(ctx, fn, arg, newSettings(options)).Await(ctx)
}

// Do is [Call] for a function that takes nothing and returns nothing but an error.
func Do(ctx context.Context, fn func(context.Context) error, options ...Option) error {
	if fn == nil {
		panic("bridge: Do: nil function")
	}
	return startErr0(ctx, fn, newSettings(options)).Await(ctx)
}
