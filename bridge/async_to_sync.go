package bridge

import "context"

// AsyncToSync wraps asynchronous code, a function that may wait for other goroutines, for use from
// blocking code.
//
// On a lane, the wrapper runs fn on another goroutine and serves the lane until fn has returned:
// lane calls made below fn run on the waiting thread, in order, and those accepted before fn
// returned run before the wrapper does. Nothing cuts the wait short, since fn may use its caller's
// variables: cancel ctx and let fn decide. A panic in fn comes back as a [parley.PanicError].
//
// Anywhere else there is nothing to serve and the wrapper is a plain call of fn on the same
// goroutine.
//
// AsyncToSync panics if fn is nil; a call panics if its context is nil.
func AsyncToSync[A, R any](
	fn func(context.Context, A) (R, error),
) func(context.Context, A) (R, error) {
	if fn == nil {
		panic("bridge: AsyncToSync: nil function")
	}
	return func(ctx context.Context, arg A) (R, error) {
		mustContext(ctx)
		act := here(ctx)
		if act == nil {
			return fn(ctx, arg)
		}
		c := &call[A, R]{fn: fn, arg: arg}
		act.runElsewhere(ctx, &c.job, c)
		return c.result()
	}
}

// AsyncToSync0 is [AsyncToSync] for a function without arguments.
func AsyncToSync0[R any](
	fn func(context.Context) (R, error),
) func(context.Context) (R, error) {
	if fn == nil {
		panic("bridge: AsyncToSync0: nil function")
	}
	wrapped := AsyncToSync(func(ctx context.Context, _ struct{}) (R, error) { return fn(ctx) })
	return func(ctx context.Context) (R, error) { return wrapped(ctx, struct{}{}) }
}

// AsyncToSync2 is [AsyncToSync] for a function of two arguments.
func AsyncToSync2[A, B, R any](
	fn func(context.Context, A, B) (R, error),
) func(context.Context, A, B) (R, error) {
	if fn == nil {
		panic("bridge: AsyncToSync2: nil function")
	}
	wrapped := AsyncToSync(func(ctx context.Context, p pair[A, B]) (R, error) {
		return fn(ctx, p.a, p.b)
	})
	return func(ctx context.Context, a A, b B) (R, error) { return wrapped(ctx, pair[A, B]{a, b}) }
}

// AsyncToSync3 is [AsyncToSync] for a function of three arguments.
func AsyncToSync3[A, B, C, R any](
	fn func(context.Context, A, B, C) (R, error),
) func(context.Context, A, B, C) (R, error) {
	if fn == nil {
		panic("bridge: AsyncToSync3: nil function")
	}
	wrapped := AsyncToSync(func(ctx context.Context, t triple[A, B, C]) (R, error) {
		return fn(ctx, t.a, t.b, t.c)
	})
	return func(ctx context.Context, a A, b B, c C) (R, error) {
		return wrapped(ctx, triple[A, B, C]{a, b, c})
	}
}
