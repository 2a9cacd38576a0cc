package bridge

import "context"

// Task is the [Future] of a function that returns nothing but an error.
// All methods may be called from any goroutine, any number of times.
type Task struct{ future Future[struct{}] }

// Await waits for the function's error and returns it, by the rules of [Future.Await].
func (t *Task) Await(ctx context.Context) error {
	_, err := t.future.Await(ctx)
	return err
}

// Done is [Future.Done].
func (t *Task) Done() <-chan struct{} { return t.future.Done() }

// Future returns the task as a Future without a value, for [All] and its kin.
func (t *Task) Future() *Future[struct{}] { return &t.future }

// SyncToAsyncErr is [SyncToAsync] for a function that returns nothing but an error.
func SyncToAsyncErr[A any](
	fn func(context.Context, A) error, options ...Option,
) func(context.Context, A) *Task {
	if fn == nil {
		panic("bridge: SyncToAsyncErr: nil function")
	}
	s := newSettings(options)
	return func(ctx context.Context, arg A) *Task { return startErr(ctx, fn, arg, s) }
}

func startErr[A any](
	ctx context.Context, fn func(context.Context, A) error, arg A, s *settings,
) *Task {
	mustContext(ctx)
	c := &errCall[A]{fn: fn, arg: arg}
	c.future.job.submit(ctx, c, s)
	return &c.Task
}

func startErr0(ctx context.Context, fn func(context.Context) error, s *settings) *Task {
	mustContext(ctx)
	c := &errCall0{fn: fn}
	c.future.job.submit(ctx, c, s)
	return &c.Task
}

// SyncToAsyncErr0 is [SyncToAsyncErr] for a function without arguments.
func SyncToAsyncErr0(
	fn func(context.Context) error, options ...Option,
) func(context.Context) *Task {
	if fn == nil {
		panic("bridge: SyncToAsyncErr0: nil function")
	}
	s := newSettings(options)
	return func(ctx context.Context) *Task { return startErr0(ctx, fn, s) }
}

// AsyncToSyncErr is [AsyncToSync] for a function that returns nothing but an error.
func AsyncToSyncErr[A any](fn func(context.Context, A) error) func(context.Context, A) error {
	if fn == nil {
		panic("bridge: AsyncToSyncErr: nil function")
	}
	return func(ctx context.Context, arg A) error {
		mustContext(ctx)
		act := here(ctx)
		if act == nil {
			return fn(ctx, arg)
		}
		c := &errCall[A]{fn: fn, arg: arg}
		act.runElsewhere(ctx, &c.future.job, c)
		_, err := c.future.result()
		return err
	}
}

// AsyncToSyncErr0 is [AsyncToSyncErr] for a function without arguments.
func AsyncToSyncErr0(fn func(context.Context) error) func(context.Context) error {
	if fn == nil {
		panic("bridge: AsyncToSyncErr0: nil function")
	}
	wrapped := AsyncToSyncErr(withoutArg(fn))
	return func(ctx context.Context) error { return wrapped(ctx, struct{}{}) }
}

func withoutArg(fn func(context.Context) error) func(context.Context, struct{}) error {
	return func(ctx context.Context, _ struct{}) error { return fn(ctx) }
}
