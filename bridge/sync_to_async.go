package bridge

import "context"

// SyncToAsync wraps a blocking function so that a call returns at once with a [Future], while the
// function runs
//
//   - on the lane the context resolves to: that of the innermost scope, key, host or lane job
//     around the call;
//   - else on the lane whose thread makes the call;
//   - else on the bridge's default lane, if it has one;
//   - else on the pool.
//
// Options change that per wrapper. A call made on the very lane it resolves to runs before the
// wrapper returns, on that thread. The context the function gets carries the caller's values and
// deadline; it is not cancelled because the call is over, so work it leaves behind may go on.
//
// A wrapper is meant to be a package-level value. It may be called from any goroutine. SyncToAsync
// panics if fn is nil or the options contradict each other; a call panics if its context is nil.
// To call and wait in one step, use [Call].
func SyncToAsync[A, R any](
	fn func(context.Context, A) (R, error), options ...Option,
) func(context.Context, A) *Future[R] {
	if fn == nil {
		panic("bridge: SyncToAsync: nil function")
	}
	s := newSettings(options)
	return func(ctx context.Context, arg A) *Future[R] { return start(ctx, fn, arg, s) }
}

func start[A, R any](
	ctx context.Context, fn func(context.Context, A) (R, error), arg A, s *settings,
) *Future[R] {
	mustContext(ctx)
	c := &call[A, R]{fn: fn, arg: arg}
	c.job.submit(ctx, c, s)
	return &c.Future
}

// SyncToAsync0 is [SyncToAsync] for a function without arguments.
func SyncToAsync0[R any](
	fn func(context.Context) (R, error), options ...Option,
) func(context.Context) *Future[R] {
	if fn == nil {
		panic("bridge: SyncToAsync0: nil function")
	}
	s := newSettings(options)
	return func(ctx context.Context) *Future[R] {
		mustContext(ctx)
		c := &call0[R]{fn: fn}
		c.job.submit(ctx, c, s)
		return &c.Future
	}
}

// SyncToAsync2 is [SyncToAsync] for a function of two arguments.
func SyncToAsync2[A, B, R any](
	fn func(context.Context, A, B) (R, error), options ...Option,
) func(context.Context, A, B) *Future[R] {
	if fn == nil {
		panic("bridge: SyncToAsync2: nil function")
	}
	s := newSettings(options)
	return func(ctx context.Context, a A, b B) *Future[R] {
		mustContext(ctx)
		c := &call2[A, B, R]{fn: fn, args: pair[A, B]{a, b}}
		c.job.submit(ctx, c, s)
		return &c.Future
	}
}

// SyncToAsync3 is [SyncToAsync] for a function of three arguments.
func SyncToAsync3[A, B, C, R any](
	fn func(context.Context, A, B, C) (R, error), options ...Option,
) func(context.Context, A, B, C) *Future[R] {
	if fn == nil {
		panic("bridge: SyncToAsync3: nil function")
	}
	s := newSettings(options)
	return func(ctx context.Context, a A, b B, c C) *Future[R] {
		mustContext(ctx)
		w := &call3[A, B, C, R]{fn: fn, args: triple[A, B, C]{a, b, c}}
		w.job.submit(ctx, w, s)
		return &w.Future
	}
}
