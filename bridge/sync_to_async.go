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
	wrapped := SyncToAsync(func(ctx context.Context, _ struct{}) (R, error) {
		return fn(ctx)
	}, options...)
	return func(ctx context.Context) *Future[R] { return wrapped(ctx, struct{}{}) }
}

// SyncToAsync2 is [SyncToAsync] for a function of two arguments.
func SyncToAsync2[A, B, R any](
	fn func(context.Context, A, B) (R, error), options ...Option,
) func(context.Context, A, B) *Future[R] {
	if fn == nil {
		panic("bridge: SyncToAsync2: nil function")
	}
	wrapped := SyncToAsync(func(ctx context.Context, p pair[A, B]) (R, error) {
		return fn(ctx, p.a, p.b)
	}, options...)
	return func(ctx context.Context, a A, b B) *Future[R] { return wrapped(ctx, pair[A, B]{a, b}) }
}

// SyncToAsync3 is [SyncToAsync] for a function of three arguments.
func SyncToAsync3[A, B, C, R any](
	fn func(context.Context, A, B, C) (R, error), options ...Option,
) func(context.Context, A, B, C) *Future[R] {
	if fn == nil {
		panic("bridge: SyncToAsync3: nil function")
	}
	wrapped := SyncToAsync(func(ctx context.Context, t triple[A, B, C]) (R, error) {
		return fn(ctx, t.a, t.b, t.c)
	}, options...)
	return func(ctx context.Context, a A, b B, c C) *Future[R] {
		return wrapped(ctx, triple[A, B, C]{a, b, c})
	}
}

type pair[A, B any] struct {
	a A
	b B
}

type triple[A, B, C any] struct {
	a A
	b B
	c C
}

// call is a Future together with what produces its value: one allocation for a whole call.
type call[A, R any] struct {
	Future[R]
	fn  func(context.Context, A) (R, error)
	arg A
}

func (c *call[A, R]) execute() (err error) {
	c.value, err = c.fn(&c.job.position, c.arg)
	return err
}

func (c *call[A, R]) forget() {
	var none A
	c.fn, c.arg = nil, none
}
